import { openMemoryStore, type MemoryStore } from '../../memory/memory-store.ts';
import type { NewEvent } from '../../store/event.ts';
import { jsonEvent } from '../../store/json-event.ts';
import { position, type Position } from '../../store/position.ts';
import { streamName } from '../../store/stream-name.ts';

/** An event for a test: which stream it is in, and what it says. */
export interface GivenEvent {
  readonly stream: string;
  readonly type: string;
  readonly data: unknown;
}

/** An event as it is appended, such as one that was read from another log. */
export interface AppendedEvent {
  readonly stream: string;
  readonly event: NewEvent;
}

/** A log with these events, in this order, where each of them is, and where it ends. */
export async function logOf(events: readonly (GivenEvent | AppendedEvent)[]): Promise<{
  readonly store: MemoryStore;
  readonly positions: readonly Position[];
  readonly end: Position;
}> {
  const store = openMemoryStore();
  const positions: Position[] = [];
  for (const each of events) {
    const event = 'event' in each ? each.event : jsonEvent({ type: each.type, data: each.data });
    const appended = await store.append(streamName(each.stream), [event], { expected: 'any' });
    positions.push(appended.position);
  }
  return { store, positions, end: positions.at(-1) ?? position(0n) };
}
