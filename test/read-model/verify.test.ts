import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import type { EventStore, RecordedEvent } from 'daybook';
import { openMemoryStore } from 'daybook/memory';
import { readModel, repairReadModel, runReadModel, verifyReadModel, type VerifyReport } from 'daybook/read-model';
import type { Kysely } from 'kysely';

import { size } from '../size.ts';
import { databaseKindsOfLongTests } from './databases.ts';
import { flowing } from './flowing.ts';
import { misjudged, mutate, mutationOf, type Mutation } from './mutations.ts';
import { seeded } from './random.ts';
import { foldOrder, storiesOf } from './shop-oracle.ts';
import {
  appendShop,
  dataOf,
  shopEvents,
  shopModel,
  shopOptions,
  shopRows,
  type ShopHandler,
  type ShopTables,
} from './shop.ts';

const reason = { who: 'ann', why: 'a test' };
const mutationsWanted = size(200);
const orders = 3 * mutationsWanted;

const boastful: ShopHandler = (event, tx) =>
  tx
    .updateTable('shipments')
    .set({ mails: 1_000, changes: 0 })
    .where('order_id', '=', dataOf(event).order_id)
    .execute();

/** Projects everything, and stops. */
async function projected(store: EventStore, db: Kysely<ShopTables>): Promise<void> {
  await using run = await runReadModel(store, shopModel(), { db });
  const { position } = await store.head();
  assert.ok(position);
  await run.reached(position, { timeoutMs: 60_000 });
}

function mutationsOf(
  stories: ReadonlyMap<string, readonly RecordedEvent[]>,
  random: () => number,
): readonly Mutation[] {
  const mutations: Mutation[] = [];
  for (const [order, events] of stories) {
    if (mutations.length === mutationsWanted) break;
    const mutation = mutationOf(order, events, random);
    if (mutation !== undefined) mutations.push(mutation);
  }
  assert.equal(mutations.length, mutationsWanted);
  return mutations;
}

function judge(report: VerifyReport, mutations: readonly Mutation[]): readonly string[] {
  const byOrder = new Map(report.drift.map((drift) => [drift.key['order_id'], drift]));
  return mutations.flatMap((mutation) => misjudged(mutation, byOrder.get(mutation.order)) ?? []);
}

for (const kind of databaseKindsOfLongTests()) {
  describe(`verify on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('R18 O-2 finds random mutations, 200 of them in CI, each with its class and first event, and nothing else, while events flow; repair makes all equal', async (t) => {
      const seed = Number(process.env['DAYBOOK_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
      t.diagnostic(`DAYBOOK_SEED=${seed}`);
      const random = seeded(seed);
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await appendShop(store, shopEvents(orders, random));
      await projected(store, database.db);
      const mutations = mutationsOf(await storiesOf(store), random);
      await using run = await runReadModel(store, shopModel(), { db: database.db });
      const other = database.connect();
      await using flow = flowing(store, random);
      const healthy = await verifyReadModel(store, shopModel(), { db: other }).result();
      assert.deepEqual([healthy.differing, healthy.drift], [0, []], `a false alarm with seed ${seed}`);
      for (const mutation of mutations) await mutate(other, mutation);
      const report = await verifyReadModel(store, shopModel(), { db: other, explainAtMost: 500 }).result();
      assert.deepEqual(judge(report, mutations), [], `seed ${seed}`);
      assert.equal(report.differing, mutations.length, `a false alarm with seed ${seed}`);
      const repaired = await repairReadModel(store, shopModel(), { db: other, reason }).result();
      assert.equal(repaired.rows, mutations.length);
      const proof = await verifyReadModel(store, shopModel(), { db: other }).result();
      assert.deepEqual([proof.differing, proof.drift], [0, []]);
      assert.ok(flow.events() > 0 && run.status().state !== 'failed');
    });

    it('is right about the rows themselves: after a repair they are what an independent fold says', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const random = seeded(7);
      await appendShop(store, shopEvents(orders, random));
      await projected(store, database.db);
      for (const mutation of mutationsOf(await storiesOf(store), random)) await mutate(database.db, mutation);
      await repairReadModel(store, shopModel(), { db: database.db, reason }).result();
      const stories = await storiesOf(store);
      const expected = [...stories.values()].flatMap((events) => foldOrder(events) ?? []);
      const { shipments = [] } = await shopRows(database.db);
      assert.deepEqual(
        shipments,
        expected.toSorted((a, b) => (a.order_id < b.order_id ? -1 : 1)),
      );
    });

    it('says that the code has changed when rows were built by other code', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await appendShop(store, shopEvents(30, seeded(1)));
      await projected(store, database.db);
      const options = shopOptions();
      const changed = readModel('shop', { ...options, on: { ...options.on, ShipmentEmailSent: boastful } });
      const report = await verifyReadModel(store, changed, { db: database.db }).result();
      assert.ok(report.isCodeChanged && report.differing > 0);
      assert.deepEqual(new Set(report.drift.map((drift) => drift.class)), new Set(['code-changed']));
      assert.ok(report.drift.every(({ since }) => since?.type === 'ShipmentEmailSent'));
    });

    it('O-3 knows when tables and log agreed last, and keeps what was repaired, by whom and why, as an event', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const end = await appendShop(store, shopEvents(30, seeded(2)));
      await projected(store, database.db);
      await verifyReadModel(store, shopModel(), { db: database.db, now: () => 1_470_000_000_000 }).result();
      const books = database.db.withTables<{
        daybook_read_model: { name: string; verified_position: unknown; verified_at: unknown };
      }>();
      const known = await books
        .selectFrom('daybook_read_model')
        .select(['verified_position', 'verified_at'])
        .where('name', '=', 'shop')
        .executeTakeFirstOrThrow();
      assert.ok(Number(known.verified_position) > 0 && Number(known.verified_position) <= Number(end));
      assert.equal(Number(known.verified_at), 1_470_000_000_000);
      await database.db.deleteFrom('carriers').where('carrier', '=', 'ups').execute();
      await repairReadModel(store, shopModel(), { db: database.db, reason }).result();
      const kept: unknown[] = [];
      for await (const event of store.readStream('$ops-shop' as never)) {
        kept.push([event.type, JSON.parse(new TextDecoder().decode(event.data))]);
      }
      const [[type, data]] = kept as [[string, Readonly<Record<string, unknown>>]];
      assert.deepEqual([type, data['who'], data['why'], data['rows']], ['ReadModelRepaired', 'ann', 'a test', 1]);
    });

    it('leaves nothing behind, also when it is left half way', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await appendShop(store, shopEvents(200, seeded(3)));
      await projected(store, database.db);
      const before = (await database.db.introspection.getTables()).map(({ name }) => name).toSorted();
      for await (const progress of verifyReadModel(store, shopModel(), { db: database.db })) {
        assert.equal(progress.phase, 'folding');
        break;
      }
      await verifyReadModel(store, shopModel(), { db: database.db }).result();
      const left = (await database.db.introspection.getTables()).map(({ name }) => name).toSorted();
      assert.deepEqual(left, before);
    });

    it('B2 compares another part each time when it samples, and comes to every row in as many runs as there are parts', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await appendShop(store, shopEvents(60, seeded(4)));
      await projected(store, database.db);
      await database.db.updateTable('shipments').set({ paid: -7 }).execute();
      const { rows } = await verifyReadModel(store, shopModel(), { db: database.db }).result();
      const [share, runs] = [0.3, 4];
      const found = new Set<unknown>();
      let compared = 0;
      for (let run = 0; run < runs; run++) {
        const options = { db: database.db, share, explainAtMost: 0 };
        const report = await verifyReadModel(store, shopModel(), options).result();
        for (const { key } of report.drift) found.add(key['order_id']);
        assert.equal(report.differing, report.drift.length);
        assert.ok(report.rows < rows, `${report.rows} rows of ${rows} in a sample of ${share}`);
        compared += report.rows;
      }
      const { shipments = [] } = await shopRows(database.db);
      assert.equal(found.size, shipments.length);
      assert.ok(compared >= rows);
    });

    it('refuses to verify what has never run', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await assert.rejects(verifyReadModel(store, shopModel(), { db: database.db }).result(), {
        code: 'read-model-missing',
      });
    });
  });
}
