import { setImmediate as breathe } from 'node:timers/promises';

import { tombstoneRevision } from '../store/position.ts';
import type { ScavengeOptions, ScavengeProgress } from '../store/scavenge.ts';
import type { Log, StoredEvent } from './log.ts';

/** How many events are looked at between two reports. */
const stepEvents = 1_000;

/** Goes through the log and hands what no read gives any more to `free`. */
export async function* scavenge(
  log: Log,
  options: ScavengeOptions & { readonly now: () => number; readonly free: (event: StoredEvent) => void },
): AsyncGenerator<ScavengeProgress, void, undefined> {
  const { signal, now, free } = options;
  const end = log.end;
  let eventsFreed = 0n;
  let bytesFreed = 0n;
  for (let position = 1; position <= end; position += 1) {
    const event = log.at(position);
    if (isUseless(log, event, now())) {
      eventsFreed += 1n;
      bytesFreed += BigInt(event.data.length + event.metadata.length);
      free(event);
    }
    if (position % stepEvents === 0 && position < end) {
      yield { eventsSeen: BigInt(position), eventsFreed, bytesFreed };
      await breathe();
    }
    signal?.throwIfAborted();
  }
  yield { eventsSeen: BigInt(end), eventsFreed, bytesFreed };
}

/** Whether the bytes of an event can go. Those of the last event of a stream stay, hidden or not. */
function isUseless(log: Log, event: StoredEvent, nowMs: number): boolean {
  if (event.isFreed || event.revision === tombstoneRevision || log.shows(event, nowMs)) return false;
  const isClosed = log.tombstoneOf(event.stream)?.stream === event.stream;
  return isClosed || event.position !== log.positionsOf(event.stream).at(-1);
}
