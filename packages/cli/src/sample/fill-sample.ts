import type { EventStore, StreamAppend } from 'daybook';

import { generatedOrders } from './generated-orders.ts';
import { goldenOrder } from './golden-order.ts';
import type { SampleEvent } from './sample-event.ts';

/** Orders besides the golden one. */
const orders = 2_000;

/** Events that are appended together. */
const batchEvents = 500;

/** How many events the sample has put into the store: none when they are there already, from an earlier start. */
export async function fillSample(store: EventStore): Promise<number> {
  const events = [...goldenOrder, ...generatedOrders(orders)];
  const last = events.at(-1);
  if (last === undefined || (await isThere(store, last))) return 0;
  let appended = 0;
  for (let start = 0; start < events.length; start += batchEvents) {
    const batch = events.slice(start, start + batchEvents);
    const appends = batch.map(({ stream, event }): StreamAppend => ({ stream, events: [event], expected: 'any' }));
    const { outcome } = await store.appendAll(appends);
    if (outcome === 'appended') appended += batch.length;
  }
  return appended;
}

/** Whether the last event of the sample is in its stream: then all are. */
async function isThere(store: EventStore, { stream, event }: SampleEvent): Promise<boolean> {
  for await (const { id } of store.readStream(stream)) if (id === event.id) return true;
  return false;
}
