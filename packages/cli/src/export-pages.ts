import {
  describedStreamOf,
  isSystemStream,
  metadataType,
  tombstoneRevision,
  tombstoneType,
  type EventStore,
  type RecordedEvent,
  type StreamName,
  type TextMatcher,
} from 'daybook';

import { notFound } from './failure.ts';

/** Streams of which it is remembered where their visible part begins. */
const knownStreams = 50_000;

/** Ordinary streams: names that do not begin with `$`. */
const ordinary: TextMatcher = { source: '^[^$]', test: (stream) => !isSystemStream(stream) };

export interface ExportOptions {
  /** Default: all. */
  readonly stream: StreamName | undefined;
  readonly system: boolean;
  readonly signal: AbortSignal;
}

export interface ExportPage {
  readonly events: readonly RecordedEvent[];
  /** How much of all this is, from 0 to 1. */
  readonly share: number | undefined;
}

/** The events that reads of their streams give, in the order of the log. */
export async function* exportPages(
  store: EventStore,
  { stream, system, signal }: ExportOptions,
): AsyncGenerator<ExportPage, void, undefined> {
  if (stream !== undefined) {
    const { status, revision } = await store.streamState(stream);
    if (status === 'no-stream') throw notFound(`There is no stream ${stream}. See daybook streams.`);
    for await (const events of store.readStream(stream, { signal }).pages()) {
      const last = events.at(-1);
      yield { events, share: share((last?.link ?? last)?.revision, revision) };
    }
    return;
  }
  yield* allPages(store, { system, signal });
}

/** All events but the hidden ones. Only streams with metadata or a tombstone hide any, and most streams have neither. */
async function* allPages(
  store: EventStore,
  { system, signal }: Omit<ExportOptions, 'stream'>,
): AsyncGenerator<ExportPage, void, undefined> {
  const { position: end } = await store.head();
  const hiding = await hidingStreams(store, signal);
  const firstRevisions = new Map<StreamName, bigint>();
  const isShown = async ({ stream, revision }: RecordedEvent): Promise<boolean> => {
    if (firstRevisions.size >= knownStreams) firstRevisions.clear();
    const first = firstRevisions.get(stream) ?? (await firstRevision(store, stream));
    firstRevisions.set(stream, first);
    return revision >= first;
  };
  const filter = system ? undefined : { streamMatches: ordinary };
  for await (const page of store.readAll({ filter, signal }).pages()) {
    const events: RecordedEvent[] = [];
    for (const event of page) {
      if (!system && event.type === tombstoneType) continue;
      if (!hiding.has(event.stream) || (await isShown(event))) events.push(event);
    }
    yield { events, share: share(page.at(-1)?.position, end) };
  }
}

/** The streams that may hide events. */
async function hidingStreams(store: EventStore, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const streams = new Set<string>();
  const filter = { eventTypes: [metadataType, tombstoneType] };
  for await (const page of store.readAll({ filter, signal }).pages()) {
    for (const { stream } of page) {
      streams.add(stream); // A metadata stream hides all but its last event.
      streams.add(describedStreamOf(stream) ?? stream);
    }
  }
  return streams;
}

/** The first revision that a read of a stream gives. Above all others when it gives none. */
async function firstRevision(store: EventStore, stream: StreamName): Promise<bigint> {
  const { firstRevision: first } = await store.streamState(stream);
  return first ?? tombstoneRevision; // That of a tombstone itself, which an export of everything contains.
}

function share(at: bigint | undefined, end: bigint | undefined): number | undefined {
  return at === undefined || end === undefined || end === 0n ? undefined : Number(at) / Number(end);
}
