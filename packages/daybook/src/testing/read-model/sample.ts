import { openMemoryStore, type MemoryStore } from '../../memory/memory-store.ts';
import { jsonEvent } from '../../store/json-event.ts';
import { position, type Position } from '../../store/position.ts';
import { streamName } from '../../store/stream-name.ts';

/** An event for a test: which stream it is in, and what it says. */
export interface GivenEvent {
  readonly stream: string;
  readonly type: string;
  readonly data: unknown;
}

/** A log with these events, in this order, and where it ends. */
export async function logOf(
  events: readonly GivenEvent[],
): Promise<{ readonly store: MemoryStore; readonly end: Position }> {
  const store = openMemoryStore();
  let end = position(0n);
  for (const { stream, type, data } of events) {
    const appended = await store.append(streamName(stream), [jsonEvent({ type, data })], { expected: 'any' });
    end = appended.position;
  }
  return { store, end };
}
