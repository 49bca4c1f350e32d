import { tombstoneType, type EventStore } from 'daybook';

import { usage } from '../failure.ts';
import { parseEventLine } from '../input/event-line.ts';
import type { Line } from '../input/read-lines.ts';
import {
  addUp,
  importBatch,
  importTombstone,
  type Batch,
  type ImportCounts,
  type PlacedEvent,
} from './import-batch.ts';
import { Places } from './places.ts';

/** Events, and bytes of them, that are appended together. */
const batchEvents = 500;
const batchBytes = 2 * 1024 * 1024;

/** How far an import is. */
export interface ImportProgress extends ImportCounts {
  /** Of the file, from 0 to 1. */
  readonly share: number | undefined;
}

export interface ImportOptions {
  /** What the errors call the file. */
  readonly path: string;
  /** Whether the store is a server: it gives events its own time, and does not append to several streams at once. */
  readonly isServer: boolean;
}

/** Appends the events of lines to the streams they name, in their order. What is there already is not appended again. */
export async function* importLines(
  store: EventStore,
  lines: AsyncIterable<Line>,
  { path, isServer }: ImportOptions,
): AsyncGenerator<ImportProgress, void, undefined> {
  const places = new Places();
  let counts: ImportCounts = { appended: 0, repeated: 0, closed: 0 };
  let waiting: PlacedEvent[] = [];
  let waitingBytes = 0;
  const flush = async (share: number | undefined): Promise<ImportProgress> => {
    const batch: Batch = { events: waiting, isServer };
    waiting = [];
    waitingBytes = 0;
    counts = addUp(counts, await importBatch(store, places, batch));
    return { ...counts, share };
  };
  try {
    for await (const line of lines) {
      const placed = placedEvent(line, path, isServer);
      if (placed.event.type === tombstoneType) {
        yield await flush(line.share);
        counts = addUp(counts, await importTombstone(store, placed.stream));
        continue;
      }
      waiting.push(placed);
      waitingBytes += placed.event.data.length + (placed.event.metadata?.length ?? 0);
      if (waiting.length >= batchEvents || waitingBytes >= batchBytes) yield await flush(line.share);
    }
  } catch (error) {
    yield await flush(undefined); // A line that is wrong does not take those before it away.
    throw error;
  }
  yield await flush(1);
}

function placedEvent(line: Line, path: string, isServer: boolean): PlacedEvent {
  const { stream, event } = parseEventLine(line, path);
  if (stream === undefined) throw usage(`Line ${line.number} of ${path} has no "stream".`);
  if (!isServer) return { stream, event };
  const { created: _, ...withoutTime } = event;
  return { stream, event: withoutTime };
}
