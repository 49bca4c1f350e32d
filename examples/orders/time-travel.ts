import { load, rehearse } from 'daybook/decider';
import { openMemoryStore } from 'daybook/memory';
import { openSqliteStore } from 'daybook/sqlite';

import { goldenSample, order } from './golden-sample.ts';
import { recordEmail, shipmentStatus } from './order.ts';

let now = Date.parse('2016-08-08T20:05:00Z');
await using store = await openSqliteStore('orders.db', { now: () => now });
for (const event of goldenSample) {
  await store.append(order, [event], { expected: 'any' });
  now += 60 * 60 * 1_000;
}

for (const revision of [0n, 1n, 2n]) {
  const { state } = await load(store, shipmentStatus, '123456789', { asOf: { revision } });
  console.log(`after event ${revision}: shipped ${state.isShipped}, mail sent ${state.isEmailSent}`);
}

const time = new Date('2016-08-08T21:30:00Z');
const then = await load(store, shipmentStatus, '123456789', { asOf: { time } });
console.log(`at half past nine: shipped ${then.state.isShipped}, mail sent ${then.state.isEmailSent}`);

const to = 'awesome.user@jet.com';
const decision = await rehearse(store, recordEmail, '123456789', { to }, { asOf: { revision: 0n } });
console.log('at the scan it would have been', decision);

// The same on another machine: the events up to there are all that it takes.
await using local = openMemoryStore();
await local.append(order, goldenSample.slice(0, 2), { expected: 'no-stream' });
console.log('after the shipment it would have been', await rehearse(local, recordEmail, '123456789', { to }));
