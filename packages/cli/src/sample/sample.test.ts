import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { streamName } from 'daybook';
import { openMemoryStore } from 'daybook/memory';

import { fillSample } from './fill-sample.ts';
import { generatedOrders } from './generated-orders.ts';

describe('the sample', () => {
  it('is the same each time', () => {
    assert.equal(JSON.stringify(generatedOrders(50)), JSON.stringify(generatedOrders(50)));
  });

  it('tells of each order in the order of time', () => {
    const events = generatedOrders(300);
    assert.ok(events.every(({ createdMs }, index) => createdMs >= (events[index - 1]?.createdMs ?? 0)));
    for (const [, order] of Map.groupBy(events, ({ stream }) => stream)) {
      assert.equal(order[0]?.event.type, 'OrderCreated');
    }
  });

  it('A-E6: holds the golden order, byte for byte', async () => {
    await using store = openMemoryStore();
    await fillSample(store);
    const events = await Array.fromAsync(store.readStream(streamName('CustomerOrder-123456789')));
    assert.deepEqual(
      events.map(({ type }) => type),
      ['AwaitingShipment', 'OrderShipped', 'ShipmentEmailSent'],
    );
    assert.equal(
      Buffer.from(events[0]?.data ?? []).toString(),
      '{"scanned_on":"2016-08-08T20:05:00.0000000Z","scanned_by":"thor.odinson@jet.com","dock":"12"}',
    );
  });

  it('is put into a store once', async () => {
    await using store = openMemoryStore();
    assert.ok((await fillSample(store)) > 8_000);
    const { position } = await store.head();
    assert.equal(await fillSample(store), 0);
    assert.equal((await store.head()).position, position);
  });
});
