import { randomUUID } from 'node:crypto';

import { streamName, type NewEvent, type StreamName } from 'daybook';

/** How many bytes the data of an event has. */
const eventBytes = 300;

/** Streams that events are spread over, in so many categories. */
export const streams = 100_000;
const categories = 50;

const bodies: readonly Buffer[] = Array.from({ length: 1_000 }, (_, index) => {
  const order = {
    orderId: randomUUID(),
    customerId: randomUUID(),
    line: index,
    items: [
      { sku: `SKU-${index}`, quantity: 1 + (index % 7), price: index * 1.25 },
      { sku: `SKU-${index + 1}`, quantity: 1 + (index % 5), price: index * 2.5 },
    ],
    note: '',
  };
  return Buffer.from(JSON.stringify({ ...order, note: 'x'.repeat(eventBytes - JSON.stringify(order).length) }));
});

const types = Array.from({ length: 20 }, (_, index) => `OrderStep${index}`);

let next = 0;

/** The data of an event: 300 bytes of JSON, one of a thousand. */
export function body(): Buffer {
  return bodies[next++ % bodies.length] ?? Buffer.alloc(eventBytes);
}

/** An event with an id of its own. */
export function sampleEvent(): NewEvent {
  const type = types[Math.floor(Math.random() * types.length)] ?? 'OrderStep0';
  return { id: randomUUID(), type, data: body(), contentType: 'application/json' };
}

export function sampleEvents(count: number): readonly NewEvent[] {
  return Array.from({ length: count }, sampleEvent);
}

/** One of the streams. */
export function sampleStream(number: number = Math.floor(Math.random() * streams)): StreamName {
  // The numbers of neighbours look nothing alike, as ids in practice do.
  const id = (Math.imul(number, 2_654_435_761) >>> 0).toString(16).padStart(8, '0');
  return streamName(`Shop${number % categories}-${id}`);
}
