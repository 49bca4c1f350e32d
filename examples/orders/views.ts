import { jsonEvent, streamName } from 'daybook';
import { combineViews, load, view } from 'daybook/decider';
import { openSqliteStore } from 'daybook/sqlite';

import { goldenSample, order } from './golden-sample.ts';
import { Order, shipmentStatus } from './order.ts';

await using store = await openSqliteStore('orders.db');
await store.append(order, goldenSample, { expected: 'no-stream' });

const { state, revision } = await load(store, shipmentStatus, '123456789');
console.log(state, `at revision ${revision}`);

const dock = view(Order, {
  name: 'Dock',
  initial: () => 'not scanned yet',
  evolve: { AwaitingShipment: (_state, event) => `dock ${event.data.dock}` },
});

const orderPage = combineViews({ shipment: shipmentStatus, dock });
const page = await load(store, orderPage, '123456789');
console.log(page.state.dock, page.state.shipment.isShipped);

// Nobody declared this type, so it changes nothing.
await store.append(streamName('CustomerOrder-8'), [jsonEvent({ type: 'OrderWeighed', data: 7 })], { expected: 'any' });
console.log((await load(store, shipmentStatus, '8')).state);
