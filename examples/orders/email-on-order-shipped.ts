import { consumer, readCheckpoint, runConsumer } from 'daybook/consumer';
import { commandIdFrom, eventType, handle } from 'daybook/decider';
import { openSqliteStore } from 'daybook/sqlite';

import { goldenSample, order } from './golden-sample.ts';
import { Order, recordEmail } from './order.ts';

await using store = await openSqliteStore('orders.db');
const shipped = eventType(Order, 'OrderShipped');

const emailOnOrderShipped = consumer('EmailOnOrderShipped', {
  from: shipped,
  startAt: 'beginning',
  handle: ({ stream, data }) => [
    { kind: 'email' as const, order: stream, subject: `On its way with ${data.carrier}: ${data.tracking_number}` },
  ],
  interpret: {
    email: async (effect, { key }) => {
      console.log(`mail about ${effect.order}: ${effect.subject}`);
      // That the customer was told is an event too. Done again after a crash, the command has the same id.
      const command = { commandId: commandIdFrom(key) };
      const { outcome } = await handle(store, recordEmail, '123456789', { to: 'a@b.c' }, command);
      console.log(`ShipmentEmailSent: ${outcome}`);
    },
  },
});

const appended = await store.append(order, goldenSample.slice(0, 2), { expected: 'no-stream' });

{
  await using run = await runConsumer(store, emailOnOrderShipped);
  await run.reached(appended.position);
}

const checkpoint = await readCheckpoint(store, { source: shipped.stream, consumer: 'EmailOnOrderShipped' });
console.log(`etOrderShipped_EmailOnOrderShipped_checkpoints: { "pos": ${checkpoint?.pos} }`);
