import { isSystemStream, streamName, type EventStore, type NewEvent, type StreamAppend } from 'daybook';
import type { AppendedEvent } from 'daybook/testing/read-model';

import { generatedOrders } from '../sample/generated-orders.ts';
import { goldenOrder } from '../sample/golden-order.ts';

/** Events that are appended together. */
const batchEvents = 500;

/** Streams in which services keep their places. A copy begins without them. */
const checkpoints = /_checkpoints$/;

/** The first events of a log, as they were appended, without what services and people say about themselves. */
export async function loggedEvents(store: EventStore, atMost: number): Promise<readonly AppendedEvent[]> {
  const events: AppendedEvent[] = [];
  for await (const { stream, id, type, data, metadata, contentType, created } of store.readAll()) {
    if (isSystemStream(stream) || checkpoints.test(stream)) continue;
    const event: NewEvent = { id, type, data, metadata, contentType, created };
    events.push({ stream, event });
    if (events.length >= atMost) break;
  }
  return events;
}

/** The events of the sample: an online shop's orders. */
export function sampleEvents(atMost: number): readonly AppendedEvent[] {
  return [...goldenOrder, ...generatedOrders(Math.ceil(atMost / 3))].slice(0, atMost);
}

/** Appends events in their order. */
export async function appendEvents(store: EventStore, events: readonly AppendedEvent[]): Promise<void> {
  for (let from = 0; from < events.length; from += batchEvents) {
    const appends = events
      .slice(from, from + batchEvents)
      .map(({ stream, event }): StreamAppend => ({ stream: streamName(stream), events: [event], expected: 'any' }));
    await store.appendAll(appends);
  }
}
