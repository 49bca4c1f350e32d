import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import { appendTo, fieldsOf, lastEvent, numberIn, textIn } from './journal.ts';
import { statusStreamOf } from './names.ts';

/**
 * What a consumer is doing.
 *
 * - `catching-up`: it handles events that are older than it likes.
 * - `live`: it handles events as they come.
 * - `paused`: a person wants it so, until a time.
 * - `retrying`: something failed, and is tried again.
 * - `failed`: it has given up, and waits for a person.
 * - `stopped`: its process has stopped it. Nothing is handled.
 */
export type ConsumerState = 'catching-up' | 'live' | 'paused' | 'retrying' | 'failed' | 'stopped';

/** How far a consumer is in one of its sources. */
export interface SourceStatus {
  readonly stream: string;
  /** The last number that was handled. -1: none yet. */
  readonly pos: number;
  /** Events behind it. */
  readonly lagEvents: number;
}

/** All that a consumer, or a read model, says about itself at a moment. Each event of its status stream has all of it. */
export interface ConsumerStatus {
  readonly consumer: string;
  readonly kind: 'consumer' | 'read-model';
  readonly state: ConsumerState;
  /** Since when it is in this state, in ISO 8601. */
  readonly since: string;
  /** Why, in a sentence. */
  readonly reason?: string | undefined;
  readonly error?: string | undefined;
  /** Of the event that fails: tries so far, and when the first one was. */
  readonly attempts?: number | undefined;
  readonly failingSince?: string | undefined;
  /** That event. */
  readonly failingStream?: string | undefined;
  readonly failingId?: string | undefined;
  readonly sources: readonly SourceStatus[];
  readonly ratePerSecond?: number | undefined;
  /** Until it has caught up, at this rate. */
  readonly etaMs?: number | undefined;
  /** How long the oldest event that is being handled takes by now, and which it is. */
  readonly busyMs?: number | undefined;
  readonly busyWith?: string | undefined;
  readonly parkedStreams: number;
  /** Events may wait for so long. */
  readonly freshnessMs: number;
  /** It says something so often. */
  readonly heartbeatMs: number;
  readonly host: string;
  readonly holder: string;
  readonly token?: number | undefined;
  readonly version?: string | undefined;
  /** The last control that it has obeyed. */
  readonly obeyed?: number | undefined;
  /** This is the first time that anybody runs a consumer of this name. */
  readonly isNew?: true | undefined;
}

/** Why a status was published. */
export type StatusType = 'ConsumerStarted' | 'ConsumerStateChanged' | 'ConsumerHeartbeatSent';

/** A status as it was recorded. */
export interface RecordedStatus extends ConsumerStatus {
  readonly type: string;
  /** When the store took it. */
  readonly created: Date;
}

/** Status events that are kept of each consumer: hours of heartbeats. */
const keptStatuses = 2_000;

/** Publishes a status into the stream `$consumer-<name>`. */
export async function publishStatus(store: EventStore, type: StatusType, status: ConsumerStatus): Promise<void> {
  const journal = { stream: statusStreamOf(status.consumer), keepEvents: keptStatuses };
  await appendTo(store, journal, { type, data: status, expected: 'any' });
}

/** What a consumer has said last, if it ever said anything. */
export async function readStatus(store: EventStore, consumer: string): Promise<RecordedStatus | undefined> {
  const last = await lastEvent(store, statusStreamOf(consumer));
  return last === undefined ? undefined : statusIn(last, consumer);
}

/** What a consumer has said, the last first, as far as it is kept. */
export async function* statusHistory(
  store: EventStore,
  consumer: string,
): AsyncGenerator<RecordedStatus, void, undefined> {
  for await (const event of store.readStream(statusStreamOf(consumer), { direction: 'backwards' })) {
    yield statusIn(event, consumer);
  }
}

const states: ReadonlySet<string> = new Set(['catching-up', 'live', 'paused', 'retrying', 'failed', 'stopped']);

/** A status from an event that anybody may have written: what is missing or odd is what it would be at the worst. */
function statusIn(event: RecordedEvent, consumer: string): RecordedStatus {
  const fields = fieldsOf(event);
  const state = textIn(fields, 'state') ?? '';
  return {
    type: event.type,
    created: event.created,
    consumer,
    kind: fields['kind'] === 'read-model' ? 'read-model' : 'consumer',
    state: states.has(state) ? (state as ConsumerState) : 'failed', // The set has just these.
    since: textIn(fields, 'since') ?? event.created.toISOString(),
    reason: textIn(fields, 'reason'),
    error: textIn(fields, 'error'),
    attempts: numberIn(fields, 'attempts'),
    failingSince: textIn(fields, 'failingSince'),
    failingStream: textIn(fields, 'failingStream'),
    failingId: textIn(fields, 'failingId'),
    sources: sourcesIn(fields['sources']),
    ratePerSecond: numberIn(fields, 'ratePerSecond'),
    etaMs: numberIn(fields, 'etaMs'),
    busyMs: numberIn(fields, 'busyMs'),
    busyWith: textIn(fields, 'busyWith'),
    parkedStreams: numberIn(fields, 'parkedStreams') ?? 0,
    freshnessMs: numberIn(fields, 'freshnessMs') ?? defaultFreshnessMs,
    heartbeatMs: numberIn(fields, 'heartbeatMs') ?? defaultHeartbeatMs,
    host: textIn(fields, 'host') ?? '',
    holder: textIn(fields, 'holder') ?? '',
    token: numberIn(fields, 'token'),
    version: textIn(fields, 'version'),
    obeyed: numberIn(fields, 'obeyed'),
    isNew: fields['isNew'] === true ? true : undefined,
  };
}

/** Events may wait for so long unless a consumer says otherwise. */
export const defaultFreshnessMs = 60_000;

/** A consumer says something so often unless it says otherwise. */
export const defaultHeartbeatMs = 10_000;

/** After so many heartbeats without a word an instance counts as silent. */
export const missingHeartbeats = 3;

function sourcesIn(value: unknown): readonly SourceStatus[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((each: unknown) => {
    const fields = typeof each === 'object' && each !== null ? { ...each } : {};
    const stream = textIn(fields, 'stream');
    if (stream === undefined) return [];
    return [{ stream, pos: numberIn(fields, 'pos') ?? -1, lagEvents: numberIn(fields, 'lagEvents') ?? 0 }];
  });
}
