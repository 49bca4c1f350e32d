import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';

import { jsonEvent, streamName, type EventStore, type Position } from 'daybook';
import { watchConsumers } from 'daybook/consumer';
import { openMemoryStore } from 'daybook/memory';
import {
  lookAtReadModel,
  readModel,
  rebuildReadModel,
  repairReadModel,
  runReadModel,
  verifyContinuously,
  type ContinuousOptions,
  type HarmonyRound,
} from 'daybook/read-model';
import { sql, type Kysely } from 'kysely';

import { databaseKindsOfLongTests } from './databases.ts';
import { flowing } from './flowing.ts';
import { seeded } from './random.ts';
import { appendShop, orderStream, shopEvents, shopModel, shopOptions, type ShopTables } from './shop.ts';

const reason = { who: 'ann', why: 'a test' };

/** Projects everything, and stops. */
async function projected(store: EventStore, db: Kysely<ShopTables>): Promise<void> {
  await using run = await runReadModel(store, shopModel(), { db });
  await run.reached(await endOf(store), { timeoutMs: 60_000 });
}

async function endOf(store: EventStore): Promise<Position> {
  const { position } = await store.head();
  assert.ok(position);
  return position;
}

/** Rounds that are asked for one by one. Dispose of it to end them. */
function rounds(
  store: EventStore,
  options: ContinuousOptions<ShopTables>,
): AsyncDisposable & { readonly next: () => Promise<HarmonyRound> } {
  const stopping = new AbortController();
  const steps = verifyContinuously(store, shopModel(), { everyMs: 1, signal: stopping.signal, ...options });
  return {
    async next() {
      for (;;) {
        const { value } = await steps.next();
        assert.ok(value !== undefined, 'it has ended');
        if (value.phase === 'round') return value;
      }
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await steps.return();
    },
  };
}

/** What a round found, in short. */
function short({ drift }: HarmonyRound): readonly string[] {
  return drift
    .map(({ table, key, class: kind, since }) => `${kind} ${table} ${Object.values(key).join()} ${since?.type}`)
    .toSorted();
}

async function ordersOf(db: Kysely<ShopTables>): Promise<readonly string[]> {
  const rows = await db.selectFrom('shipments').select('order_id').orderBy('order_id').execute();
  return rows.map(({ order_id }) => order_id);
}

for (const kind of databaseKindsOfLongTests()) {
  describe(`verify continuously on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('R18 B2 finds what was written to rows that no event touches within 1 / share rounds, wherever they stand', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await appendShop(store, shopEvents(120, seeded(1)));
      await projected(store, database.db);
      const orders = await ordersOf(database.db);
      const share = 0.1;
      await using verifying = rounds(store, { db: database.connect(), share });
      const healthy = await verifying.next();
      assert.deepEqual([healthy.differing, healthy.problem], [0, undefined]);
      assert.ok(healthy.verifiedRows > 0 && healthy.verifiedRows < healthy.rows / 4, 'a share, and no more');
      assert.equal(healthy.rows, orders.length + 3);
      for (const [index, order_id] of [orders[0], orders.at(-1), orders[50], orders[3]].entries()) {
        assert.ok(order_id !== undefined);
        await database.db.updateTable('shipments').set({ paid: -7 }).where('order_id', '=', order_id).execute();
        let taken = 0;
        let round: HarmonyRound;
        do {
          round = await verifying.next();
          taken += 1;
        } while (round.differing === index && taken < 1 / share);
        assert.equal(round.differing, index + 1, `not after ${taken} rounds`);
        assert.ok(
          short(round).some((text) => text.startsWith(`foreign-write shipments ${order_id} `)),
          String(short(round)),
        );
        assert.ok(round.comparedRows < round.rows / 4, 'a round compares a share');
      }
      await database.db
        .deleteFrom('shipments')
        .where('order_id', '=', orders[20] ?? '')
        .execute();
      const ghost = { order_id: '~ghost', carrier: null, shipped_on: null, mails: 0, paid: 0, changes: 0 };
      await database.db.insertInto('shipments').values(ghost).execute();
      await database.db.insertInto('carriers').values({ carrier: '~ghost', parcels: 1 }).execute();
      let last = await verifying.next();
      for (let taken = 1; taken < 1 / share; taken++) last = await verifying.next();
      const kinds = last.drift.map((drift) => drift.class).toSorted();
      assert.deepEqual(kinds, [...Array<string>(4).fill('foreign-write'), 'ghost-row', 'ghost-row', 'missing-row']);
      assert.ok(last.allVerifiedAt !== undefined);
      assert.equal(last.verifiedRows, last.rows - 7);
      await repairReadModel(store, shopModel(), { db: database.connect(), reason }).result();
      const repaired = await verifying.next();
      assert.deepEqual([repaired.differing, repaired.drift, repaired.verifiedRows], [0, [], repaired.rows]);
    });

    it('compares what events touch in the next round, and gives no false alarm while they flow', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const random = seeded(2);
      await appendShop(store, shopEvents(200, random));
      await using run = await runReadModel(store, shopModel(), { db: database.db });
      await run.reached(await endOf(store), { timeoutMs: 60_000 });
      await using verifying = rounds(store, { db: database.connect(), share: 0.001 });
      const first = await verifying.next();
      assert.equal(first.problem, undefined);
      {
        await using flow = flowing(store, run, random);
        flow.more(6_000);
        let events = 0;
        while (events < 500) {
          const round = await verifying.next();
          assert.deepEqual([round.problem, round.drift, round.differing], [undefined, [], 0], 'a false alarm');
          events += round.events;
        }
        assert.ok(flow.events() >= 500, `${flow.events()} events`);
      }
      await run.reached(await endOf(store), { timeoutMs: 60_000 });
      await verifying.next();
      const [order_id = ''] = (await ordersOf(database.db)).slice(77);
      await database.db.updateTable('shipments').set({ paid: -7 }).where('order_id', '=', order_id).execute();
      const mail = jsonEvent({ type: 'ShipmentEmailSent', data: { order_id } });
      const appended = await store.append(orderStream(order_id), [mail], { expected: 'any' });
      await run.reached(appended.position);
      const found = await verifying.next();
      assert.equal(found.differing, 1);
      assert.match(short(found).join(), new RegExp(`^foreign-write shipments ${order_id} `));
      assert.ok(found.comparedRows < 10, `${found.comparedRows} rows`);
    });

    it('goes on after a restart: with the copy that is left, where the walk was, and with what differed', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await appendShop(store, shopEvents(60, seeded(3)));
      await projected(store, database.db);
      const orders = await ordersOf(database.db);
      await database.db
        .updateTable('shipments')
        .set({ paid: -7 })
        .where('order_id', '=', orders[2] ?? '')
        .execute();
      const share = 0.2;
      {
        await using before = rounds(store, { db: database.connect(), share });
        const round = await before.next();
        assert.ok(round.events > 100 && round.differing === 1);
      }
      await database.db
        .updateTable('shipments')
        .set({ paid: -7 })
        .where('order_id', '=', orders.at(-1) ?? '')
        .execute();
      let last: HarmonyRound | undefined;
      for (let taken = 1; taken < 1 / share; taken++) {
        await using again = rounds(store, { db: database.connect(), share }); // It is restarted after each round.
        last = await again.next();
        assert.equal(last.events, 0, 'the log is folded once');
      }
      assert.ok(last?.allVerifiedAt !== undefined, 'the walk goes on');
      assert.equal(last.differing, 2);
      assert.deepEqual([...new Set(last.drift.map((drift) => drift.class))], ['foreign-write']);
    });

    it('begins anew when the copy that is left is damaged or was made by other code, and waits while another has it', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const end = await appendShop(store, shopEvents(60, seeded(4)));
      await projected(store, database.db);
      const db = database.connect();
      {
        await using first = rounds(store, { db, share: 1 });
        assert.ok((await first.next()).events > 100);
        await using second = rounds(store, { db: database.connect(), share: 1 });
        assert.equal(Reflect.get(Object((await second.next()).problem), 'code'), 'read-model-in-use');
      }
      await sql`DROP TABLE ${sql.table('carriers__standing')}`.execute(db);
      {
        await using anew = rounds(store, { db, share: 1 });
        const round = await anew.next();
        assert.deepEqual([round.events > 100, round.differing, round.problem], [true, 0, undefined]);
      }
      await sql`UPDATE daybook_read_model SET code = 'other' WHERE name = 'shop__standing'`.execute(db);
      await using last = rounds(store, { db, share: 1 });
      const round = await last.next();
      assert.deepEqual([round.events > 100, round.differing, round.problem], [true, 0, undefined]);
      assert.deepEqual([round.position, round.verifiedRows], [end, round.rows]);
    });

    it('is not disturbed by a rebuild, and compares nothing while the tables are of other code', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await appendShop(store, shopEvents(60, seeded(5)));
      await projected(store, database.db);
      await using verifying = rounds(store, { db: database.connect(), share: 1 });
      await verifying.next();
      await rebuildReadModel(store, shopModel(), { db: database.db, reason }).result();
      const rebuilt = await verifying.next();
      assert.deepEqual([rebuilt.differing, rebuilt.problem], [0, undefined]);
      const other = readModel('shop', { ...shopOptions(), version: 'two' });
      await rebuildReadModel(store, other, { db: database.db, reason }).result();
      const round = await verifying.next();
      assert.equal(Reflect.get(Object(round.problem), 'code'), 'needs-rebuild');
      assert.deepEqual([round.verifiedAt, round.comparedRows], [rebuilt.verifiedAt, 0]);
    });

    it('B2 a watch raises an alert for a read model that has drifted, and for one that is not compared any more', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await appendShop(store, shopEvents(60, seeded(6)));
      await using run = await runReadModel(store, shopModel(), { db: database.db, heartbeatMs: 3_600_000 });
      await run.reached(await endOf(store));
      let offsetMs = 0;
      const clock = {
        now: () => Date.now() + offsetMs,
        monotonicMs: () => performance.now(),
        random: () => 0.5,
        sleep: (ms: number, signal?: AbortSignal) => wait(ms, undefined, { signal }),
      };
      await using watch = watchConsumers(store, { clock, everyMs: 3_600_000 });
      assert.deepEqual((await watch.look()).firing, [], 'whoever verifies by hand is not told to go on');
      {
        await using verifying = rounds(store, { db: database.connect(), share: 1, clock });
        await database.db.updateTable('carriers').set({ parcels: -1 }).where('carrier', '=', 'ups').execute();
        await verifying.next();
        const { firing } = await watch.look();
        assert.deepEqual(
          firing.map(({ rule, severity }) => [rule, severity]),
          [['drifted', 'critical']],
        );
        assert.match(
          firing[0]?.summary ?? '',
          /^shop differs from its log: 1 of \d+ rows; foreign-write in carriers ups since OrderShipped \d+@CustomerOrder-\d+; compared \d+ s ago$/,
        );
        const look = await lookAtReadModel(store, shopModel(), { db: database.db });
        assert.deepEqual([look.harmony?.differing, look.harmony?.rows], [1, (look.harmony?.verifiedRows ?? 0) + 1]);
        await repairReadModel(store, shopModel(), { db: database.connect(), reason }).result();
        await verifying.next();
        assert.deepEqual((await watch.look()).firing, []);
      }
      offsetMs = 290_000;
      assert.deepEqual((await watch.look()).firing, []);
      offsetMs = 310_000;
      const { firing } = await watch.look();
      assert.deepEqual(
        firing.map(({ rule, severity }) => [rule, severity]),
        [['unchecked', 'warning']],
      );
      assert.match(firing[0]?.summary ?? '', /^shop is not compared with its log any more: compared 5 min ago$/);
      await store.deleteStream(streamName('$harmony-shop'), { expected: 'any' });
      assert.deepEqual((await watch.look()).firing, [], 'nobody wants it any more');
      await using strict = watchConsumers(store, { clock, everyMs: 3_600_000, unverifiedMs: 60_000 });
      const asked = await strict.look();
      assert.match(
        asked.firing.map(({ summary }) => summary).join(),
        /^shop is not compared with its log any more: never compared$/,
      );
    });
  });
}
