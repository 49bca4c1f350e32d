import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { after, describe, it } from 'node:test';

import { jsonEvent, position, type NewEvent } from 'daybook';
import { readStatus, requestControl, systemClock } from 'daybook/consumer';
import { openMemoryStore } from 'daybook/memory';
import { readModel, runReadModel, type RunStatus } from 'daybook/read-model';
import { type Kysely } from 'kysely';

import { until } from '../services/until.ts';
import { databaseKinds } from './databases.ts';
import {
  appendShop,
  emptyShipment,
  makeShopTables,
  orderStream,
  shopEvents,
  shopModel,
  shopOptions,
  shopRows,
  type ShopHandler,
  type ShopTables,
} from './shop.ts';

const patienceMs = 20_000;

const waiting = (id: string): NewEvent => jsonEvent({ type: 'AwaitingShipment', data: { order_id: id } });

const forgetful: ShopHandler = (_event, tx) => tx.deleteFrom('carriers');

/** What the tables must be, by a fold that shares nothing with the read model. */
function expectedParcels(events: ReturnType<typeof shopEvents>): Readonly<Record<string, number>> {
  const parcels: Record<string, number> = {};
  for (const { event } of events) {
    if (event.type !== 'OrderShipped') continue;
    const { carrier } = JSON.parse(new TextDecoder().decode(event.data)) as { readonly carrier: string };
    parcels[carrier] = (parcels[carrier] ?? 0) + 1;
  }
  return parcels;
}

for (const kind of databaseKinds()) {
  describe(`a read model on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('A-V5 A-V6 puts events into tables that plain SQL can query, and goes on with what is appended', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const events = shopEvents(300);
      await appendShop(store, events.slice(0, 400));
      await using run = await runReadModel(store, shopModel(), { db: database.db, batchSize: 64 });
      await run.reached(await appendShop(store, events.slice(400)), { timeoutMs: 20_000 });
      const rows = await database.db.selectFrom('carriers').selectAll().execute();
      assert.deepEqual(Object.fromEntries(rows.map((row) => [row.carrier, row.parcels])), expectedParcels(events));
      await until('it is live', () => run.status().state === 'live', patienceMs);
    });

    it('A-V8 A-V9 merges its sources in the order of the log, whatever the batches', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const end = await appendShop(store, shopEvents(120));
      const found: unknown[] = [];
      for (const batchSize of [1, 7, 500]) {
        await using other = await kind.create<ShopTables>();
        await using run = await runReadModel(store, shopModel(), { db: other.db, batchSize });
        await run.reached(end, { timeoutMs: 20_000 });
        found.push(await shopRows(other.db));
      }
      assert.deepEqual(found[1], found[0]);
      assert.deepEqual(found[2], found[0]);
      const order = readModel('order', {
        from: ['$et-OrderShipped', '$ce-CustomerOrder', '$et-PaymentAuthorized'],
        tables: { shipments: { key: ['order_id'] } },
        migrate: async (db: Kysely<Pick<ShopTables, 'shipments'>>) => {
          await db.schema.createTable('shipments').addColumn('order_id', 'varchar(100)').execute();
        },
        on: Object.fromEntries(
          ['AwaitingShipment', 'OrderShipped', 'PaymentAuthorized'].map((type) => [
            type,
            (event: { readonly position: bigint }) => void seen.push(event.position),
          ]),
        ),
      });
      const seen: bigint[] = [];
      await using run = await runReadModel(store, order, { db: database.db });
      await run.reached(end, { timeoutMs: 20_000 });
      assert.ok(seen.length > 100);
      assert.deepEqual(
        seen,
        [...new Set(seen)].toSorted((a, b) => Number(a - b)),
      );
    });

    it('A-V10 shows a write as soon as its position is reached, and says so when it is not in time', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await using run = await runReadModel(store, shopModel(), { db: database.db });
      for (let order = 0; order < 5; order++) {
        const event = jsonEvent({ type: 'AwaitingShipment', data: { order_id: `${order}` } });
        const { position: end } = await store.append(orderStream(`${order}`), [event], { expected: 'no-stream' });
        await run.reached(end);
        const { shipments } = await shopRows(database.db);
        assert.equal(shipments?.length, order + 1);
      }
      const irrelevant = await store.append(orderStream('0'), [jsonEvent({ type: 'OrderSeen', data: {} })], {
        expected: 'any',
      });
      await run.reached(irrelevant.position);
      const late = run.reached(position(irrelevant.position + 1n), { timeoutMs: 20 });
      await assert.rejects(late, { code: 'not-reached', wanted: irrelevant.position + 1n, state: 'live' });
      await assert.rejects(run.reached(position(10n ** 9n), { signal: AbortSignal.abort(new Error('enough')) }), {
        message: 'enough',
      });
    });

    it('writes into every row where the event stands that wrote it last', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const shipped = jsonEvent({ type: 'OrderShipped', data: { order_id: '1', carrier: 'ups', shipped_on: 'today' } });
      const first = await store.append(orderStream('1'), [waiting('1')], { expected: 'any' });
      await using run = await runReadModel(store, shopModel(), { db: database.db });
      await run.reached(first.position);
      const made = { ...emptyShipment('1'), changes: 1 };
      assert.deepEqual(await shopRows(database.db), {
        shipments: [{ ...made, _position: Number(first.position) }],
        carriers: [],
      });
      const second = await store.append(orderStream('1'), [shipped], { expected: 'any' });
      await run.reached(second.position);
      const at = Number(second.position);
      assert.deepEqual(await shopRows(database.db), {
        shipments: [{ ...made, carrier: 'ups', shipped_on: 'today', changes: 2, _position: at }],
        carriers: [{ carrier: 'ups', parcels: 1, _position: at }],
      });
    });

    it('goes on where it was, also when it was stopped between batches', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await using whole = await kind.create<ShopTables>();
      const end = await appendShop(store, shopEvents(200));
      for (let stops = 0; stops < 5; stops++) {
        await using run = await runReadModel(store, shopModel(), { db: database.db, batchSize: 20 });
        assert.notEqual(run.status().state, 'failed');
      }
      await using run = await runReadModel(store, shopModel(), { db: database.db });
      await run.reached(end, { timeoutMs: 20_000 });
      await using other = await runReadModel(store, shopModel(), { db: whole.db });
      await other.reached(end, { timeoutMs: 20_000 });
      assert.deepEqual(await shopRows(database.db), await shopRows(whole.db));
    });

    it('A-V7 is written by one instance; the second stands by and takes over', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const events = shopEvents(60);
      const half = await appendShop(store, events.slice(0, 80));
      const first = await runReadModel(store, shopModel(), { db: database.db });
      await first.reached(half, { timeoutMs: 20_000 });
      await using second = await runReadModel(store, shopModel(), { db: database.connect(), pollMs: 5 });
      assert.equal(second.status().state, 'standing-by');
      await first[Symbol.asyncDispose]();
      await second.reached(await appendShop(store, events.slice(80)), { timeoutMs: 20_000 });
      await until('the second is live', () => second.status().state === 'live', patienceMs);
      const rows = await database.db.selectFrom('carriers').selectAll().execute();
      assert.deepEqual(Object.fromEntries(rows.map((row) => [row.carrier, row.parcels])), expectedParcels(events));
    });

    it('O-4 R19 refuses what a stale instance commits after another took over, whatever the clocks say', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const events = shopEvents(60);
      await appendShop(store, events);
      // The first instance is inside of a handler when its lease runs out by the other's clock.
      const { promise: mayGoOn, resolve: goOn } = Promise.withResolvers<void>();
      const { promise: isInside, resolve: inside } = Promise.withResolvers<void>();
      let isHanging = true;
      const options = shopOptions();
      const hanging = readModel('shop', {
        ...options,
        from: [
          {
            stream: '$ce-CustomerOrder' as never,
            decode: async (event) => {
              if (isHanging) {
                isHanging = false;
                inside();
                await mayGoOn;
              }
              return { ...event, data: JSON.parse(new TextDecoder().decode(event.data)) as unknown };
            },
          },
          '$et-PaymentAuthorized',
        ],
      });
      const statuses: string[] = [];
      const listen = (message: unknown): void => void statuses.push((message as RunStatus).state);
      subscribe('daybook:read-model', listen);
      await using first = await runReadModel(store, hanging, { db: database.db, pollMs: 5 });
      await isInside;
      await using second = await runReadModel(store, shopModel(), {
        db: database.connect(),
        pollMs: 5,
        clock: { ...systemClock, now: () => Date.now() + 3_600_000 },
      });
      const end = (await store.head()).position ?? position(0n);
      await second.reached(end, { timeoutMs: 20_000 });
      const rows = await shopRows(database.db);
      goOn();
      await until('the stale instance stands by', () => first.status().state === 'standing-by', patienceMs);
      assert.deepEqual(await shopRows(database.db), rows);
      unsubscribe('daybook:read-model', listen);
      assert.ok(statuses.includes('standing-by') && statuses.includes('live'));
    });

    it('O-0 tries again what fails, shows what came before it, says what it fails at, and never skips', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const events = shopEvents(40);
      const end = await appendShop(store, events);
      const options = shopOptions();
      let failures = 0;
      const unlucky: ShopHandler = (event, tx) => {
        if (failures < 5) {
          failures += 1;
          throw new Error('no luck');
        }
        return options.on.OrderShipped(event, tx);
      };
      const model = readModel('shop', { ...options, on: { ...options.on, OrderShipped: unlucky } });
      const retry = { firstDelayMs: 1, longestDelayMs: 2 };
      await using run = await runReadModel(store, model, { db: database.db, retry });
      await run.reached(end, { timeoutMs: 20_000 });
      assert.equal(failures, 5);
      const rows = await database.db.selectFrom('carriers').selectAll().execute();
      assert.deepEqual(Object.fromEntries(rows.map((row) => [row.carrier, row.parcels])), expectedParcels(events));
    });

    it('gives up after the attempts it was given, with the event in the error, and everything before it projected', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await store.append(orderStream('1'), [waiting('1')], { expected: 'any' });
      const bad = await store.append(orderStream('2'), [jsonEvent({ type: 'OrderShipped', data: null })], {
        expected: 'any',
      });
      await store.append(orderStream('3'), [waiting('3')], { expected: 'any' });
      const retry = { attempts: 3, firstDelayMs: 1, longestDelayMs: 1 };
      await using run = await runReadModel(store, shopModel(), { db: database.db, retry });
      await assert.rejects(run.finished, { code: 'projecting-failed', model: 'shop' });
      const { state, failures, lastError } = run.status();
      assert.deepEqual([state, failures], ['failed', 3]);
      assert.equal((lastError as { event: { position: bigint } }).event.position, bad.position);
      await assert.rejects(run.reached(bad.position), { code: 'projecting-failed' });
      const { shipments } = await shopRows(database.db);
      assert.deepEqual(
        shipments?.map((row) => (row as { order_id: string }).order_id),
        ['1'],
      );
    });

    it('O-4 says in its status stream what it does, and obeys a pause until it is resumed', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const stateOf = async (): Promise<string | undefined> => (await readStatus(store, 'shop'))?.state;
      await using run = await runReadModel(store, shopModel(), { db: database.db, pollMs: 5 });
      await until('it says that it is live', async () => (await stateOf()) === 'live', patienceMs);
      const who = { who: 'ann', why: 'the disk is full' };
      await requestControl(store, 'shop', { kind: 'pause', until: new Date(Date.now() + 60_000), ...who });
      await until('it says that it is paused', async () => (await stateOf()) === 'paused', patienceMs);
      const { position: end } = await store.append(orderStream('1'), [waiting('1')], { expected: 'any' });
      await assert.rejects(run.reached(end, { timeoutMs: 100 }), {
        code: 'not-reached',
        state: 'paused',
        message: /It is paused: ann: the disk is full, until /,
      });
      assert.deepEqual((await shopRows(database.db))['shipments'], []);
      await requestControl(store, 'shop', { kind: 'resume', ...who });
      await run.reached(end, { timeoutMs: 20_000 });
      await run[Symbol.asyncDispose]();
      const status = await readStatus(store, 'shop');
      assert.deepEqual([status?.kind, status?.state, status?.sources[0]?.lagEvents], ['read-model', 'stopped', 0]);
    });

    it('begins from nothing only where nothing is: tables without a checkpoint are not touched', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await makeShopTables(database.db);
      await assert.rejects(runReadModel(store, shopModel(), { db: database.db }), {
        code: 'checkpoint-missing',
        table: 'shipments',
      });
    });

    it('refuses handlers that forget to execute, and names of tables in SQL text', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await store.append(orderStream('1'), [jsonEvent({ type: 'AwaitingShipment', data: { order_id: '1' } })], {
        expected: 'any',
      });
      const model = readModel('shop', { ...shopOptions(), on: { AwaitingShipment: forgetful } });
      await using run = await runReadModel(store, model, { db: database.db });
      await assert.rejects(run.finished, /did not execute/);
    });
  });
}
