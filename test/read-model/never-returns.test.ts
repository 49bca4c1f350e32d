import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { jsonEvent, type EventStore, type NewEvent, type Position } from 'daybook';
import { readStatus, watchConsumers } from 'daybook/consumer';
import { openMemoryStore } from 'daybook/memory';
import { readModel, runReadModel, verifyReadModel, type ReadModel } from 'daybook/read-model';
import { SimulatedClock } from 'daybook/testing';
import { sql } from 'kysely';

import { until } from '../services/until.ts';
import { databaseKinds } from './databases.ts';
import { dataOf, orderStream, shopModel, shopOptions, shopRows, type ShopHandler, type ShopTables } from './shop.ts';
import { SimulatedDatabase } from './simulated-database.ts';

const order = (type: string, id: string): NewEvent =>
  jsonEvent({ type, data: { order_id: id, carrier: 'ups', shipped_on: 'today' } });

/** A shop whose handler of OrderShipped does its work, does not come back before it is let go, and then goes on. */
class Hanging {
  readonly model: ReadModel;
  /** What became of what it did after it was let go. */
  readonly later: PromiseSettledResult<unknown>[] = [];
  isMended = false;
  readonly #gone = Promise.withResolvers<void>();

  constructor(timeoutMs?: number) {
    const options = shopOptions();
    const OrderShipped: ShopHandler = async (event, tx) => {
      await options.on.OrderShipped(event, tx);
      if (this.isMended) return;
      await this.#gone.promise;
      const { order_id: carrier } = dataOf(event);
      const late = tx.insertInto('carriers').values({ carrier, parcels: 1 }).execute();
      this.later.push(...(await Promise.allSettled([late])));
    };
    const limit = timeoutMs === undefined ? {} : { timeoutMs };
    this.model = readModel('shop', { ...options, ...limit, on: { ...options.on, OrderShipped } });
  }

  letGo(): void {
    this.isMended = true;
    this.#gone.resolve();
  }
}

/** Two orders, the first of which is shipped in between. */
async function appendOrders(store: EventStore): Promise<Position> {
  await store.append(orderStream('1'), [order('AwaitingShipment', '1'), order('OrderShipped', '1')], {
    expected: 'no-stream',
  });
  return (await store.append(orderStream('2'), [order('AwaitingShipment', '2')], { expected: 'no-stream' })).position;
}

describe('R14: a handler of a read model that never returns', () => {
  it('R14: is given up after a minute: the state names it, somebody is told, and a stop does not wait for it', async () => {
    const clock = new SimulatedClock();
    await using store = openMemoryStore({ now: () => clock.now() });
    using database = new SimulatedDatabase({ random: () => clock.random() });
    const { db } = database.connect<ShopTables>(() => {});
    const hanging = new Hanging();
    const run = await runReadModel(store, hanging.model, { db, clock });
    await using watch = watchConsumers(store, { clock });
    await clock.until(() => run.status().state === 'live');
    await appendOrders(store);
    await clock.advance(59_000);
    assert.equal(run.status().failures, 0);
    await clock.advance(6_000);
    const status = await readStatus(store, 'shop');
    assert.deepEqual([status?.state, status?.failingStream], ['retrying', orderStream('1')]);
    assert.match(status?.error ?? '', /OrderShipped 1@CustomerOrder-1 .*did not return within 60000 ms/);
    await clock.advance(25_000);
    const told = (await watch.look()).firing;
    assert.equal(told.length, 1);
    assert.match(told[0]?.summary ?? '', /OrderShipped 1@CustomerOrder-1 waits.*did not return within 60000 ms/);
    let isStopped = false;
    const stopping = run[Symbol.asyncDispose]().then(() => (isStopped = true));
    await clock.until(() => isStopped, 11_000);
    await stopping;
    hanging.letGo();
    await clock.settle();
    assert.equal((await readStatus(store, 'shop'))?.state, 'stopped');
  });
});

for (const kind of databaseKinds()) {
  describe(`R14: a handler that never returns, on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('R14: is rolled back and tried again; what it does when it comes back late is refused', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const hanging = new Hanging(50);
      const retry = { firstDelayMs: 1, longestDelayMs: 5 };
      await using run = await runReadModel(store, hanging.model, { db: database.db, retry, pollMs: 5 });
      const end = await appendOrders(store);
      await until('it is tried again', () => run.status().failures > 1);
      const { state, lastError } = run.status();
      assert.equal(state, 'retrying');
      assert.match(String(lastError), /OrderShipped 1@CustomerOrder-1 .*did not return within 50 ms.*rolled back/);
      hanging.letGo();
      await run.reached(end, { timeoutMs: 20_000 });
      const { shipments, carriers } = await shopRows(database.db);
      assert.equal(shipments?.length, 2);
      assert.deepEqual(carriers, [{ carrier: 'ups', parcels: 1, _position: 2 }]);
      assert.ok(hanging.later.length > 1);
      const refusals = hanging.later.map((each) => String(each.status === 'rejected' && each.reason.code));
      assert.deepEqual(new Set(refusals), new Set(['projecting-failed']));
      assert.equal((await verifyReadModel(store, shopModel(), { db: database.connect() }).result()).differing, 0);
    });

    if (kind.name === 'SQLite') return; // It has no locks of tables, and no statement of it waits.

    it('R14: because of a lock that somebody holds is named, and goes on when the lock is gone', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const model = readModel('shop', { ...shopOptions(), timeoutMs: 50 });
      await using run = await runReadModel(store, model, { db: database.db, pollMs: 5 });
      let end: Position | undefined;
      await database
        .connect()
        .transaction()
        .execute(async (tx) => {
          await sql`LOCK TABLE shipments IN ACCESS EXCLUSIVE MODE`.execute(tx);
          end = await appendOrders(store);
          await until('it says that it fails', () => run.status().state === 'retrying');
          assert.match(
            String(run.status().lastError),
            /AwaitingShipment 0@CustomerOrder-1 .*did not return within 50 ms/,
          );
        });
      await run.reached(end!, { timeoutMs: 20_000 }); // Appended before.
      assert.equal((await verifyReadModel(store, model, { db: database.connect() }).result()).differing, 0);
    });
  });
}
