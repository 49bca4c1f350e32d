import type { EventStore } from '../store/event-store.ts';
import { revision, type Position, type Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import { numberIn } from './merged-sources.ts';
import type { ReadModel } from './read-model.ts';

/** By source: the number of the last event at or before a position. */
export async function numbersAt(
  store: EventStore,
  model: ReadModel,
  at: Position,
): Promise<ReadonlyMap<string, Revision>> {
  const numbers = new Map<string, Revision>();
  for (const { stream } of model.sources) {
    const number = stream === '$all' ? revision(at) : await lastNumberAt(store, stream as StreamName, at);
    if (number !== undefined) numbers.set(stream, number);
  }
  return numbers;
}

/** Halves the stream until it is found: a read of one event for each halving. */
async function lastNumberAt(store: EventStore, stream: StreamName, at: Position): Promise<Revision | undefined> {
  const { revision: last } = await store.streamState(stream);
  if (last === undefined) return undefined;
  let [low, high] = [-1n, BigInt(last)];
  while (low < high) {
    const middle = (low + high + 1n) / 2n;
    const found = await firstFrom(store, stream, revision(middle));
    if (found !== undefined && found.position <= at) low = found.number > middle ? found.number : middle;
    else high = middle - 1n;
  }
  return low < 0n ? undefined : revision(low);
}

async function firstFrom(
  store: EventStore,
  stream: StreamName,
  from: Revision,
): Promise<{ readonly position: Position; readonly number: bigint } | undefined> {
  for await (const event of store.readStream(stream, { from, limit: 1, pageSize: 1 })) {
    return { position: event.position, number: numberIn(stream, event) };
  }
  return undefined;
}
