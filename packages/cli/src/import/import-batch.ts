import type { EventStore, NewEvent, StreamName } from 'daybook';

import type { Places } from './places.ts';

/** What became of events. */
export interface ImportCounts {
  readonly appended: number;
  /** Events that were there already. */
  readonly repeated: number;
  /** Events of streams that are closed for good. */
  readonly closed: number;
}

/** An event, and the stream it belongs to. */
export interface PlacedEvent {
  readonly stream: StreamName;
  readonly event: NewEvent;
}

export interface Batch {
  readonly events: readonly PlacedEvent[];
  readonly isServer: boolean;
}

type Outcome = keyof ImportCounts;

/**
 * Appends events in their order. The same batches again are found there, whole; where they are not, or a stream has
 * other events as well, each event is looked at by itself.
 */
export async function importBatch(store: EventStore, places: Places, batch: Batch): Promise<ImportCounts> {
  if (batch.events.length === 0) return counts('appended', 0);
  if (!batch.isServer) return together(store, places, batch.events);
  let sum = counts('appended', 0);
  for (const window of windowsOf(batch.events)) sum = addUp(sum, await side(store, places, window));
  return sum;
}

/** Closes a stream for good, as the file says. */
export async function importTombstone(store: EventStore, stream: StreamName): Promise<ImportCounts> {
  try {
    await store.tombstoneStream(stream, { expected: 'any' });
    return counts('appended', 1);
  } catch (error) {
    if (codeOf(error) === 'stream-tombstoned') return counts('repeated', 1);
    throw error;
  }
}

/** The sum of what became of some events and of others. */
export function addUp(left: ImportCounts, right: ImportCounts): ImportCounts {
  return {
    appended: left.appended + right.appended,
    repeated: left.repeated + right.repeated,
    closed: left.closed + right.closed,
  };
}

/** All in one transaction. */
async function together(store: EventStore, places: Places, events: readonly PlacedEvent[]): Promise<ImportCounts> {
  try {
    const { outcome } = await store.appendAll(
      events.map(({ stream, event }) => ({ stream, events: [event], expected: places.expected(stream) })),
    );
    for (const { stream } of events) places.advance(stream);
    return counts(outcome, events.length);
  } catch (error) {
    if (!isRefused(error)) throw error;
    return oneByOne(store, places, events);
  }
}

/**
 * Runs of events, each of a stream that no other run of the window is of: they can be on their way together, and arrive
 * in their order.
 */
function windowsOf(events: readonly PlacedEvent[]): readonly (readonly (readonly PlacedEvent[])[])[] {
  const windows: PlacedEvent[][][] = [];
  let streams = new Set<StreamName>();
  let last: StreamName | undefined;
  for (const placed of events) {
    const { stream } = placed;
    if (stream === last) {
      windows.at(-1)?.at(-1)?.push(placed);
      continue;
    }
    if (streams.has(stream) || windows.length === 0) {
      windows.push([]);
      streams = new Set();
    }
    windows.at(-1)?.push([placed]);
    streams.add(stream);
    last = stream;
  }
  return windows;
}

/** The runs of a window, side by side. */
async function side(
  store: EventStore,
  places: Places,
  runs: readonly (readonly PlacedEvent[])[],
): Promise<ImportCounts> {
  const answers = await Promise.allSettled(
    runs.map(async (run) => {
      const stream = run[0]?.stream as StreamName; // A run has an event.
      return store.append(
        stream,
        run.map(({ event }) => event),
        { expected: places.expected(stream) },
      );
    }),
  );
  let sum = counts('appended', 0);
  for (const [index, run] of runs.entries()) {
    const answer = answers[index];
    if (answer?.status === 'fulfilled') {
      places.advance(run[0]?.stream as StreamName, run.length); // The same.
      sum = addUp(sum, counts(answer.value.outcome, run.length));
    } else if (isRefused(answer?.reason)) sum = addUp(sum, await oneByOne(store, places, run));
    else throw answer?.reason;
  }
  return sum;
}

async function oneByOne(store: EventStore, places: Places, events: readonly PlacedEvent[]): Promise<ImportCounts> {
  let sum = counts('appended', 0);
  for (const placed of events) sum = addUp(sum, counts(await alone(store, places, placed), 1));
  return sum;
}

async function alone(store: EventStore, places: Places, { stream, event }: PlacedEvent): Promise<Outcome> {
  const expected = places.expected(stream);
  try {
    const { outcome } = await store.append(stream, [event], { expected });
    places.advance(stream);
    return outcome;
  } catch (error) {
    if (codeOf(error) === 'stream-tombstoned') return 'closed';
    if (codeOf(error) !== 'wrong-expected-revision' || expected === 'any') throw error;
    places.leave(stream);
    return alone(store, places, { stream, event });
  }
}

function counts(outcome: Outcome, events: number): ImportCounts {
  return { appended: 0, repeated: 0, closed: 0, [outcome]: events };
}

function isRefused(error: unknown): boolean {
  return codeOf(error) === 'wrong-expected-revision' || codeOf(error) === 'stream-tombstoned';
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? Reflect.get(error, 'code') : undefined;
}
