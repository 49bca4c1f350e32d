/**
 * What somebody writes who installed `daybook` and nothing else: no database library, no schema library. It is
 * type-checked against the packed declarations and run by `scripts/check-packages.mjs`, in a project of its own.
 */
import assert from 'node:assert/strict';

import { jsonEvent, streamName, type EventStore } from 'daybook';
import { consumer, readCheckpoint, runConsumer } from 'daybook/consumer';
import { command, events, eventType, handle, load, nothing, streamOf, trusted, view } from 'daybook/decider';
import { openMemoryStore } from 'daybook/memory';
import { openSqliteStore } from 'daybook/sqlite';
import { given } from 'daybook/testing';

const Order = events('Order', {
  OrderPlaced: trusted<{ total: string }>(),
  OrderShipped: trusted<{ carrier: string }>(),
});

const shipment = view(Order, {
  initial: (id) => ({ id, carrier: undefined as string | undefined }),
  evolve: { OrderShipped: (state, { data }) => ({ ...state, carrier: data.carrier }) },
});

const ship = command(shipment, trusted<{ carrier: string }>(), ({ carrier }, state) =>
  state.carrier === undefined ? [Order.OrderShipped({ carrier })] : nothing,
);

/** What must not compile. Nothing of it runs. */
const mistakes: readonly ((store: EventStore) => unknown)[] = [
  // @ts-expect-error -- No such event.
  () => Order.OrderShippped({ carrier: 'fedex' }),
  // @ts-expect-error -- A wrong payload.
  () => Order.OrderShipped({ carrier: 7 }),
  // @ts-expect-error -- A wrong input.
  (store) => handle(store, ship, '1', { carier: 'fedex' }, { commandId: '' }),
  // @ts-expect-error -- No event of this source.
  () => view(Order, { initial: () => 0, evolve: { PaymentMade: (state) => state } }),
  // @ts-expect-error -- The writer must say what it expects.
  (store) => store.append(streamName('Order-1'), [], {}),
];
assert.equal(mistakes.length, 5);

for (const store of [openMemoryStore(), await openSqliteStore('orders.db')]) {
  const placed = jsonEvent(Order.OrderPlaced({ total: '12.50' }));
  await store.append(streamOf(Order, '1'), [placed], { expected: 'no-stream' });
  const mails: string[] = [];
  const mailing = consumer('Mailing', {
    from: eventType(Order, 'OrderShipped'),
    startAt: 'beginning',
    handle: ({ stream, data }) => void mails.push(`${stream} with ${data.carrier}`),
  });
  {
    await using run = await runConsumer(store, mailing);
    const shipped = await handle(store, ship, '1', { carrier: 'fedex' }, { commandId: crypto.randomUUID() });
    assert.equal(shipped.outcome, 'appended');
    await run.reached((await store.head()).position!); // There are events.
  }
  assert.deepEqual(mails, ['Order-1 with fedex']);
  const checkpoint = await readCheckpoint(store, { source: streamName('$et-OrderShipped'), consumer: 'Mailing' });
  assert.equal(checkpoint?.pos, 0n);
  assert.deepEqual((await load(store, shipment, '1')).state, { id: '1', carrier: 'fedex' });
  const types = await Array.fromAsync(store.readStream(streamName('Order-1')), ({ type }) => type);
  assert.deepEqual(types, ['OrderPlaced', 'OrderShipped']);
  await store[Symbol.asyncDispose]();
}

given(ship)
  .when({ carrier: 'fedex' })
  .then([Order.OrderShipped({ carrier: 'fedex' })]);
