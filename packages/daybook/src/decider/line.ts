import type { EventStore } from '../store/event-store.ts';
import type { StreamName } from '../store/stream-name.ts';

/** Who stands in line, by store and stream: the end of each line. A line that is done is forgotten. */
const lines = new WeakMap<EventStore, Map<StreamName, Promise<void>>>();

/** Whether somebody of this process stands in line for a stream. */
export function isLineAt(store: EventStore, stream: StreamName): boolean {
  return lines.get(store)?.has(stream) === true;
}

/**
 * Does `work` when all are done that stood in line for the stream before, whatever became of them. Those who met at a
 * stream would meet there again and again; one after the other, each has to do its work only once.
 */
export async function inLine<Result>(
  store: EventStore,
  stream: StreamName,
  work: () => Promise<Result>,
): Promise<Result> {
  const ends = lines.get(store) ?? new Map<StreamName, Promise<void>>();
  lines.set(store, ends);
  const before = ends.get(stream);
  const { promise: end, resolve: leave } = Promise.withResolvers<void>();
  ends.set(stream, end);
  try {
    await before;
    return await work();
  } finally {
    leave();
    if (ends.get(stream) === end) ends.delete(stream);
  }
}
