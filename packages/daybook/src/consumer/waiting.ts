import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import { position, revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';

/** What a source has that is not handled yet. */
export interface Waiting {
  /** The number of its last event. -1: none. Of `$all` that is a position, of any other stream a revision. */
  readonly end: bigint;
  /** How many events wait. Of `$all` {@link countedAtMost} are counted, not more. */
  readonly lagEvents: bigint;
  /** The first of them. */
  readonly oldest: RecordedEvent | undefined;
}

/** Positions have gaps, so what waits in `$all` has to be read to be counted. */
export const countedAtMost = 1_000;

/**
 * What waits behind the last event that was handled, whose number is `pos`; -1 when none was.
 *
 * What Daybook says about itself is in `$all` too, the heartbeat of whoever follows it among them: nobody waits for
 * that, and it is not counted. Only when nothing else follows for a long way it is: whoever handles `$all` passes it.
 */
export async function whatWaits(store: EventStore, source: StreamName, pos: bigint): Promise<Waiting> {
  if (source === '$all') return waitingInAll(store, pos);
  const { revision: end = -1n } = await store.streamState(source);
  const [oldest] = await Array.fromAsync(store.readStream(source, { from: revision(pos + 1n), limit: 1 }));
  return { end, lagEvents: end > pos ? end - pos : 0n, oldest };
}

async function waitingInAll(store: EventStore, pos: bigint): Promise<Waiting> {
  const { position: end = -1n } = await store.head();
  let read = 0;
  let lagEvents = 0n;
  let first: RecordedEvent | undefined;
  let oldest: RecordedEvent | undefined;
  if (end > pos) {
    for await (const event of store.readAll({ from: position(pos + 1n), limit: countedAtMost })) {
      read += 1;
      first ??= event;
      if (event.stream.startsWith('$')) continue;
      oldest ??= event;
      lagEvents += 1n;
    }
  }
  if (oldest !== undefined || read < countedAtMost) return { end, lagEvents, oldest };
  return { end, lagEvents: BigInt(read), oldest: first };
}
