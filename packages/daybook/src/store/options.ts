import type { NewEvent, RecordedEvent } from './event.ts';
import type { ExpectedRevision, ExpectedState } from './expected-revision.ts';
import type { Filter } from './filter.ts';
import type { PackedPage } from './packed-page.ts';
import type { Position, Revision } from './position.ts';
import type { StreamMetadata } from './stream-metadata.ts';
import type { StreamName } from './stream-name.ts';

export interface AppendOptions {
  readonly expected: ExpectedRevision;
}

/** What an acknowledged append says. All its events are in the log, durably. */
export interface Appended {
  /** `repeated`: these very events were in the stream already, and this is where. Nothing was written again. */
  readonly outcome: 'appended' | 'repeated';
  readonly firstRevision: Revision;
  /** Of the last event: what the next append to this stream expects. */
  readonly revision: Revision;
  /** Of the last event. */
  readonly position: Position;
}

/** The part of an `appendAll` that goes to one stream. */
export interface StreamAppend {
  readonly stream: StreamName;
  readonly events: readonly NewEvent[];
  /** When one `appendAll` names a stream several times, all must expect the same: it is checked once, at the start. */
  readonly expected: ExpectedRevision;
}

/** A belief about a stream that an `appendAll` depends on. */
export interface StreamCheck {
  readonly stream: StreamName;
  readonly expected: ExpectedState;
}

export interface AppendAllOptions {
  /** Checked together with the appends: when one fails, nothing is written. Default: none. */
  readonly checks?: readonly StreamCheck[];
}

/** What an acknowledged `appendAll` says. */
export interface AppendedAll {
  readonly outcome: 'appended' | 'repeated';
  /** One for each stream that was written to, in the order of their first appearance. */
  readonly streams: readonly AppendedToStream[];
  /** Of the last event of all. Absent when there was nothing to write, only checks. */
  readonly position?: Position;
}

export interface AppendedToStream {
  readonly stream: StreamName;
  readonly firstRevision: Revision;
  readonly revision: Revision;
  readonly position: Position;
}

export interface DeleteOptions {
  readonly expected: ExpectedRevision;
}

export type Direction = 'forwards' | 'backwards';

export interface ReadStreamOptions {
  /**
   * Where to begin, itself included: a revision, an end of the stream, or a time. A time means, forwards, the first
   * place in the log whose event was created at or after it; backwards, the last one created at or before it.
   * Default: `start` forwards, `end` backwards.
   */
  readonly from?: Revision | 'start' | 'end' | Date | undefined;
  /** Default: `forwards`. */
  readonly direction?: Direction | undefined;
  /** Give at most this many events. Default: all. */
  readonly limit?: number | undefined;
  /** A derived stream gives the events it stands for (`resolve`, the default) or its own link events (`keep`). */
  readonly links?: 'resolve' | 'keep' | undefined;
  /** Events in one page. Default: 500. */
  readonly pageSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ReadAllOptions {
  /** Where to begin, itself included: a position, an end of the log, or a time, as in `ReadStreamOptions`. */
  readonly from?: Position | 'start' | 'end' | Date | undefined;
  /** Default: `forwards`. */
  readonly direction?: Direction | undefined;
  /** Give at most this many matching events. Default: all. */
  readonly limit?: number | undefined;
  readonly filter?: Filter | undefined;
  /** Events in one page. Default: 500. */
  readonly pageSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Many results, pulled by the caller: one at a time, or a page at a time, which is faster. Leaving the loop ends it. */
export interface Paged<Item> extends AsyncIterable<Item> {
  /** The same results, a page at a time. No page is empty. */
  pages(): AsyncIterable<readonly Item[]>;
}

/** What a read of events gives. */
export interface EventRead extends Paged<RecordedEvent> {
  /**
   * The same events as bytes, a page at a time, for whoever passes them on and looks at none of them: several times as
   * fast. Absent when the store does not hold them so, and with a filter, which has to look.
   */
  readonly packedPages?: () => AsyncIterable<PackedPage>;
}

export interface SubscribeToStreamOptions {
  /** The last revision that the caller has seen; the next one comes first. Default: `start`. `end`: only what is new. */
  readonly after?: Revision | 'start' | 'end' | undefined;
  /** As for a read. */
  readonly links?: 'resolve' | 'keep' | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SubscribeToAllOptions {
  /** The last position that the caller has seen; the next one comes first. Default: `start`. `end`: only what is new. */
  readonly after?: Position | 'start' | 'end' | undefined;
  readonly filter?: Filter | undefined;
  /** With a filter: give a `checkpoint` after this many events that were looked at. Default: 1,000. */
  readonly checkpointEvery?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a subscription gives.
 *
 * - `event`: the next event that matches.
 * - `caught-up`: everything there was has been given; what follows is live. `position` is the end of the log then.
 * - `fell-behind`: the caller was slower than the log and reads pages again, until the next `caught-up`.
 * - `checkpoint`: nothing matched up to `position`: go on after it next time.
 */
export type SubscriptionMessage =
  | { readonly kind: 'event'; readonly event: RecordedEvent }
  | { readonly kind: 'caught-up'; readonly position: Position; readonly revision: Revision | undefined }
  | { readonly kind: 'fell-behind'; readonly position: Position }
  | { readonly kind: 'checkpoint'; readonly position: Position };

/** A read that goes on. It ends when `signal` aborts, by throwing its reason, or when the caller leaves the loop. */
export type Subscription = Paged<SubscriptionMessage>;

/** Where a stream stands: any stream, a derived one or a metadata stream too. */
export interface StreamState {
  readonly stream: StreamName;
  readonly status: 'exists' | 'no-stream' | 'deleted' | 'tombstoned';
  /** Of the last event that was ever appended (not the tombstone). Absent when there never was one. */
  readonly revision?: Revision;
  /** Of the same event. */
  readonly position?: Position;
  /** Of the first event that a read gives. Absent when a read gives nothing. `$maxAge` is applied as of now. */
  readonly firstRevision?: Revision;
  readonly metadata: StreamMetadata;
}

export interface ListStreamsOptions {
  /** Only names that begin with this. Default: all. */
  readonly prefix?: string | undefined;
  readonly category?: string | undefined;
  /** Default: `exclude`. System streams have names that begin with `$`; metadata streams are never listed. */
  readonly system?: 'exclude' | 'include' | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One line of a listing of streams. Deleted and tombstoned streams are not listed. */
export interface StreamSummary {
  readonly stream: StreamName;
  readonly revision: Revision;
  readonly position: Position;
  /** Events that a read gives, before `$maxAge`. */
  readonly events: bigint;
}

/** One line of a listing of categories. The counts are those of the derived streams: scavenged events included. */
export interface CategorySummary {
  readonly category: string;
  readonly streams: bigint;
  readonly events: bigint;
}

/** One line of a listing of event types. The count is that of the derived stream: scavenged events included. */
export interface EventTypeSummary {
  readonly type: string;
  readonly events: bigint;
}

/** Where the log ends and which log it is. */
export interface LogHead {
  /** Of the last event. Absent when the log is empty. */
  readonly position?: Position;
  /** A UUID, given at creation. Absent when an adapter cannot tell. */
  readonly logId?: string;
  /** How often the log was restored from a backup: 0 at creation. Absent when an adapter cannot tell. */
  readonly epoch?: number;
}
