import { jsonEvent } from 'daybook';
import { command, handle, refuse, streamOf } from 'daybook/decider';
import { openSqliteStore } from 'daybook/sqlite';
import { z } from 'zod';

import { Order, recordEmail, shipmentStatus } from './order.ts';

await using store = await openSqliteStore('orders.db');
const to = 'awesome.user@jet.com';
const commandId = '4b3a8c0e-57a1-4c53-9d0b-0d1f6a3c2b10';

const tooEarly = await handle(store, recordEmail, '123456789', { to }, { commandId });
if (tooEarly.outcome === 'refused') console.log(`${tooEarly.outcome}: ${tooEarly.code}`);

const shipped = Order.OrderShipped({ carrier: 'fedex', tracking_number: 'abc123', shipped_on: '2016-08-08' });
await store.append(streamOf(Order, '123456789'), [jsonEvent(shipped)], { expected: 'no-stream' });

const first = await handle(store, recordEmail, '123456789', { to }, { commandId });
console.log(`${first.outcome}: ${first.stream} is at ${first.revision}`);

const repeated = await handle(store, recordEmail, '123456789', { to }, { commandId });
console.log(`${repeated.outcome}: ${repeated.stream} is at ${repeated.revision}`);

const another = await handle(store, recordEmail, '123456789', { to }, { commandId: crypto.randomUUID() });
console.log(another.outcome);

try {
  await handle(store, recordEmail, '123456789', { to: 'somebody@else' }, { commandId });
} catch (error) {
  if (!(error instanceof Error && 'code' in error)) throw error;
  console.log(error.code);
}

const ship = command(
  shipmentStatus,
  z.object({ carrier: z.string(), parcel: z.string() }),
  ({ carrier, parcel }, { isShipped }) => {
    if (isShipped) return refuse('already-shipped');
    return [Order.OrderShipped({ carrier, tracking_number: parcel, shipped_on: '2016-08-09' })];
  },
  { name: 'Ship', businessKey: ({ parcel }) => parcel },
);

for (const attempt of ['from the queue', 'made anew, days later']) {
  const made = { commandId: crypto.randomUUID() };
  const result = await handle(store, ship, '8', { carrier: 'dhl', parcel: 'parcel 17' }, made);
  console.log(`${attempt}: ${result.outcome}`);
}
