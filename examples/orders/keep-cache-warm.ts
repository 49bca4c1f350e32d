import { idOf } from 'daybook';
import { consumer, runConsumer } from 'daybook/consumer';
import { category, load, memoryStateCache } from 'daybook/decider';
import { openSqliteStore } from 'daybook/sqlite';

import { goldenSample, order } from './golden-sample.ts';
import { Order, shipmentStatus } from './order.ts';

await using store = await openSqliteStore('orders.db');
const cache = memoryStateCache();

const keepShipments = consumer('KeepShipments', {
  from: category(Order),
  startAt: 'beginning',
  handle: async (event) => {
    await load(store, shipmentStatus, idOf(event.stream) ?? '', { cache });
  },
});

await using run = await runConsumer(store, keepShipments);
const { position } = await store.append(order, goldenSample, { expected: 'any' });
await run.reached(position);

const { state, revision } = await load(store, shipmentStatus, '123456789', { cache, maxAgeMs: 60_000 });
console.log(`kept: mail sent ${state.isEmailSent}, at revision ${revision}`);
