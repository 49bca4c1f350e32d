import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { jsonEvent, type NewEvent } from 'daybook';
import { readStatus, watchConsumers } from 'daybook/consumer';
import { openMemoryStore } from 'daybook/memory';
import { readModel, runReadModel, verifyReadModel } from 'daybook/read-model';
import { SimulatedClock } from 'daybook/testing';
import { sql } from 'kysely';

import { until } from '../services/until.ts';
import { databaseKinds } from './databases.ts';
import { orderStream, shopModel, shopOptions, shopRows, type ShopHandler, type ShopTables } from './shop.ts';
import { SimulatedDatabase } from './simulated-database.ts';

const waiting = (id: string): NewEvent => jsonEvent({ type: 'AwaitingShipment', data: { order_id: id } });
const broken: ShopHandler = () => {
  throw new Error('It is broken.');
};

/** What the drivers and databases say when something is away, full, or refuses. */
const outages = [
  { what: 'refuses connections', facts: { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' } },
  { what: 'has no connection left', facts: { message: 'timeout exceeded when trying to connect' } },
  {
    what: 'has cut its connection',
    facts: { message: 'Client has encountered a connection error and is not queryable' },
  },
  { what: 'has lost its table', facts: { code: 'ERR_SQLITE_ERROR', errcode: 1, message: 'no such table: shipments' } },
  { what: 'has no space left', facts: { code: 'ERR_SQLITE_ERROR', errcode: 13, message: 'database or disk is full' } },
  { what: 'is read only', facts: { code: 'ERR_SQLITE_ERROR', errcode: 1_544, message: 'attempt to write' } },
  { what: 'has revoked a permission', facts: { code: '42501', message: 'permission denied for table shipments' } },
];

describe('R14: the database of a read model is away', () => {
  for (const { what, facts } of outages) {
    it(`R14: it ${what} for ten minutes: seen in 5 s, told in 30 s, nothing lost, no restart`, async () => {
      const clock = new SimulatedClock();
      await using store = openMemoryStore({ now: () => clock.now() });
      using database = new SimulatedDatabase({ random: () => clock.random() });
      const client = database.connect<ShopTables>(() => {});
      const { db } = client;
      await using run = await runReadModel(store, shopModel(), { db, clock });
      await using watch = watchConsumers(store, { clock });
      await store.append(orderStream('1'), [waiting('1')], { expected: 'any' });
      await clock.until(() => run.status().state === 'live');
      client.break(Object.assign(new Error(facts.message), facts));
      await store.append(orderStream('2'), [waiting('2')], { expected: 'any' });
      await clock.advance(5_000);
      const seen = await readStatus(store, 'shop');
      assert.deepEqual([seen?.state, seen?.error?.includes(facts.message)], ['retrying', true]);
      await clock.advance(25_000);
      const told = (await watch.look()).firing;
      assert.deepEqual(
        told.map(({ rule, consumer }) => [rule, consumer]),
        [['retrying', 'shop']],
      );
      for (let i = 0; i < 10; i += 1) {
        await store.append(orderStream(`later-${i}`), [waiting(`later-${i}`)], { expected: 'any' });
        await clock.advance(57_000);
      }
      assert.equal(run.status().state, 'retrying');
      client.break();
      await clock.until(() => run.status().state === 'live', 35_000);
      await clock.advance(5_000);
      assert.deepEqual((await watch.look()).firing, []);
      assert.equal((await shopRows(db))['shipments']?.length, 12);
      assert.equal((await verifyReadModel(store, shopModel(), { db, now: () => clock.now() }).result()).differing, 0);
    });
  }

  it('R14: a handler that goes on failing is seen in 5 s and told in 30 s, however often it is tried', async () => {
    const clock = new SimulatedClock();
    await using store = openMemoryStore({ now: () => clock.now() });
    using database = new SimulatedDatabase({ random: () => clock.random() });
    const { db } = database.connect<ShopTables>(() => {});
    const options = shopOptions();
    const model = readModel('shop', { ...options, on: { ...options.on, OrderCancelled: broken } });
    await using run = await runReadModel(store, model, { db, clock });
    await using watch = watchConsumers(store, { clock });
    await clock.until(() => run.status().state === 'live');
    await store.append(orderStream('1'), [jsonEvent({ type: 'OrderCancelled', data: {} })], { expected: 'any' });
    await clock.advance(5_000);
    const seen = await readStatus(store, 'shop');
    assert.deepEqual([seen?.state, seen?.failingStream], ['retrying', orderStream('1')]);
    await clock.advance(25_500);
    const told = (await watch.look()).firing;
    assert.deepEqual(told[0]?.rule, 'retrying');
  });
});

for (const kind of databaseKinds()) {
  describe(`R14: faults of ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('R14: a table that is gone is waited for, longer than for any event, and what came meanwhile is projected', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const retry = { attempts: 3, firstDelayMs: 1, longestDelayMs: 5 };
      await using run = await runReadModel(store, shopModel(), { db: database.db, retry, pollMs: 5 });
      await sql`ALTER TABLE shipments RENAME TO gone`.execute(database.db);
      const { position: end } = await store.append(orderStream('1'), [waiting('1')], { expected: 'any' });
      await until('it has failed more often than an event may', () => run.status().failures > 6, 20_000);
      assert.equal(run.status().state, 'retrying');
      assert.match(String(run.status().lastError), /shipments/);
      await sql`ALTER TABLE gone RENAME TO shipments`.execute(database.db);
      await run.reached(end, { timeoutMs: 20_000 });
      assert.equal((await shopRows(database.db))['shipments']?.length, 1);
    });
  });
}
