import { subscribe } from 'node:diagnostics_channel';

import { jsonEvent } from 'daybook';
import { category, events, eventType, streamOf, trusted, warningChannel } from 'daybook/decider';
import { openSqliteStore } from 'daybook/sqlite';

import { Order } from './order.ts';

const shipped = Order.OrderShipped({ carrier: 'fedex', tracking_number: 'abc123', shipped_on: '2016-08-08' });
console.log(shipped.type, shipped.data);

try {
  // @ts-expect-error -- The compiler says so too.
  Order.OrderShipped({ carrier: 'fedex', tracking_number: 7 });
} catch (error) {
  if (!(error instanceof Error && 'code' in error)) throw error;
  console.log(error.code, error.message);
}

await using store = await openSqliteStore('orders.db');
await store.append(streamOf(Order, '123456789'), [jsonEvent(shipped)], { expected: 'any' });

for (const source of [category(Order), eventType(Order, 'OrderShipped')]) {
  for await (const stored of store.readStream(source.stream)) {
    const event = await source.decode(stored);
    if (event?.type === 'OrderShipped') console.log(`${source.stream}: ${event.stream} by ${event.data.carrier}`);
  }
}

subscribe(warningChannel, (warning) => console.log('heard:', (warning as { message: string }).message));

const Cart = events('Cart', { AddItem: trusted<{ sku: string }>() });
console.log(Cart.warnings.map(({ code }) => code));
