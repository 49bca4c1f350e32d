import {
  isSystemStream,
  tombstoneType,
  type EventStore,
  type RecordedEvent,
  type StreamName,
  type TextMatcher,
} from 'daybook';

import { notFound } from './failure.ts';

/** Streams of which it is remembered what they hide. */
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
  const { position: end } = await store.head();
  const firstRevisions = new Map<StreamName, bigint>();
  const filter = system ? undefined : { streamMatches: ordinary };
  for await (const page of store.readAll({ filter, signal }).pages()) {
    const events: RecordedEvent[] = [];
    for (const event of page) {
      const first = firstRevisions.get(event.stream) ?? (await firstRevision(store, event.stream));
      if (firstRevisions.size >= knownStreams) firstRevisions.clear();
      firstRevisions.set(event.stream, first);
      if (event.revision >= first && (system || event.type !== tombstoneType)) events.push(event);
    }
    yield { events, share: share(page.at(-1)?.position, end) };
  }
}

/** The first revision that a read of a stream gives. Above all others when it gives none. */
async function firstRevision(store: EventStore, stream: StreamName): Promise<bigint> {
  const { firstRevision: first } = await store.streamState(stream);
  return first ?? 2n ** 63n - 1n; // That of a tombstone, which a full export has to contain.
}

function share(at: bigint | undefined, end: bigint | undefined): number | undefined {
  return at === undefined || end === undefined || end === 0n ? undefined : Number(at) / Number(end);
}
