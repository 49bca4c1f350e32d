import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { position as toPosition, type EventStore, type RecordedEvent } from 'daybook';
import { openMemoryStore } from 'daybook/memory';
import {
  readModel,
  repairReadModel,
  runReadModel,
  verifyReadModel,
  type DriftClass,
  type VerifyReport,
} from 'daybook/read-model';
import { sql, type Kysely } from 'kysely';

import { size } from '../size.ts';
import { databaseKindsOfLongTests, type DatabaseKind } from './databases.ts';
import { flowing, type Flow } from './flowing.ts';
import { lostBatch, misjudged, mutate, mutationOf, type Mutation } from './mutations.ts';
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
/** Of the log, one after the other. */
const lostEvents = 10n;

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

/** Random mutations, each of another order, and those of a batch that was lost. */
function mutationsOf(
  stories: ReadonlyMap<string, readonly RecordedEvent[]>,
  { random, on, wanted }: { readonly random: () => number; readonly on: DatabaseKind['name']; readonly wanted: number },
): readonly Mutation[] {
  const positions = [...stories.values()].flatMap((events) => events.map(({ position }) => position));
  const from = positions[Math.floor(random() * positions.length)] ?? 0n;
  const lost = lostBatch(stories, { from, to: from + lostEvents });
  const mutations: Mutation[] = [...lost];
  const taken = new Set(lost.map(({ order }) => order));
  for (const [order, events] of stories) {
    if (mutations.length === wanted) break;
    const mutation = taken.has(order) ? undefined : mutationOf(order, events, { random, on });
    if (mutation !== undefined) mutations.push(mutation);
  }
  assert.equal(mutations.length, wanted);
  return mutations;
}

/** Does something to the second table, and gives by carrier what must be said of it. */
async function mutateCarriers(db: Kysely<ShopTables>): Promise<Readonly<Record<string, DriftClass>>> {
  const once = sql<number>`parcels - 1`;
  await db.insertInto('carriers').values({ carrier: 'pigeon', parcels: 1 }).execute();
  await db.updateTable('carriers').set({ parcels: -1_000_000 }).where('carrier', '=', 'dhl').execute();
  await db.updateTable('carriers').set({ parcels: once }).where('carrier', '=', 'ups').execute();
  return { pigeon: 'ghost-row', dhl: 'foreign-write', ups: 'missing-events' };
}

/** What is wrong with a report, with what was done to the orders, and to the carriers. */
async function judge(
  store: EventStore,
  report: VerifyReport,
  { mutations, carriers }: Wrongs,
): Promise<readonly string[]> {
  const drift = Map.groupBy(report.drift, ({ table }) => table);
  const byOrder = new Map(drift.get('shipments')?.map((each) => [each.key['order_id'], each]));
  const stories = await storiesOf(store);
  const wrong = mutations.flatMap((mutation) => {
    const events = (stories.get(mutation.order) ?? []).filter(({ position }) => position <= report.position);
    return misjudged(mutation, byOrder.get(mutation.order), events) ?? [];
  });
  const said = Object.fromEntries((drift.get('carriers') ?? []).map((each) => [each.key['carrier'], each.class]));
  const shipped = drift.get('carriers')?.find(({ key }) => key['carrier'] === 'ups')?.since?.type;
  if (carriers['ups'] !== undefined && shipped !== 'OrderShipped') wrong.push(`ups since ${shipped}`);
  if (report.differing !== mutations.length + Object.keys(carriers).length) wrong.push(`${report.differing} differ`);
  return JSON.stringify(sorted(said)) === JSON.stringify(sorted(carriers)) ? wrong : [...wrong, JSON.stringify(said)];
}

interface Wrongs {
  readonly mutations: readonly Mutation[];
  readonly carriers: Readonly<Record<string, DriftClass>>;
}

function sorted(record: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

interface While {
  readonly db: Kysely<ShopTables>;
  readonly flow: Flow;
  /** So many events must be projected meanwhile. */
  readonly events: number;
  readonly wrongs: Wrongs;
}

/** Verifies again and again while events are projected. Each report must be right. */
async function verifyWhile(store: EventStore, { db, flow, events, wrongs }: While): Promise<readonly string[]> {
  const { position: begin = toPosition(0n) } = await store.head();
  flow.more(2 * events);
  for (;;) {
    const report = await verifyReadModel(store, shopModel(), { db, explainAtMost: 500 }).result();
    const wrong = await judge(store, report, wrongs);
    if (wrong.length > 0) return wrong;
    const all = [...(await storiesOf(store)).values()].flat();
    if (all.filter((event) => event.position > begin && event.position <= report.position).length >= events) return [];
  }
}

for (const kind of databaseKindsOfLongTests()) {
  describe(`verify on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());
    // A statement of PostgreSQL takes several times as long.
    const wanted = size(kind.name === 'SQLite' ? 200 : 60);
    const orders = 3 * wanted;

    it(`R18 O-2 finds ${wanted} random mutations, each with its class and first event, and nothing else, while events flow; repair makes all equal`, async (t) => {
      const seed = Number(process.env['DAYBOOK_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
      t.diagnostic(`DAYBOOK_SEED=${seed}`);
      const random = seeded(seed);
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await appendShop(store, shopEvents(orders, random));
      await projected(store, database.db);
      const mutations = mutationsOf(await storiesOf(store), { random, on: kind.name, wanted });
      await using run = await runReadModel(store, shopModel(), { db: database.db });
      const db = database.connect();
      await using flow = flowing(store, run, random);
      const events = 5 * wanted; // While each is looked for, and most of all in between.
      const none = { mutations: [], carriers: {} };
      assert.deepEqual(
        await verifyWhile(store, { db, flow, events, wrongs: none }),
        [],
        `a false alarm with seed ${seed}`,
      );
      for (const mutation of mutations) await mutate(db, mutation);
      const wrongs = { mutations, carriers: await mutateCarriers(db) };
      const touched = mutations.filter((mutation) => mutation.class !== 'ghost-row').map(({ order }) => order);
      flow.alsoTo(touched);
      assert.deepEqual(await verifyWhile(store, { db, flow, events, wrongs }), [], `seed ${seed}`);
      const stories = await storiesOf(store);
      const grown = mutations.filter(({ order, events: before }) => (stories.get(order)?.length ?? 0) > before.length);
      assert.ok(grown.length > touched.length / 2, `events came for ${grown.length} of ${touched.length} rows`);
      const repaired = await repairReadModel(store, shopModel(), { db, reason }).result();
      assert.equal(repaired.rows, mutations.length + 3);
      assert.deepEqual(await verifyWhile(store, { db, flow, events: 100, wrongs: none }), [], `seed ${seed}`);
      assert.ok(flow.events() > events && run.status().state !== 'failed');
    });

    it('R18 B2 finds nothing in many healthy rows while events are projected', async () => {
      const healthy = 20 * wanted;
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const random = seeded(8);
      await appendShop(store, shopEvents(healthy, random));
      await projected(store, database.db);
      await using run = await runReadModel(store, shopModel(), { db: database.db });
      await using flow = flowing(store, run, random);
      const wrongs = { mutations: [], carriers: {} };
      const facts = { db: database.connect(), flow, events: healthy / 4, wrongs };
      assert.deepEqual(await verifyWhile(store, facts), []);
    });

    it('is right about the rows themselves: after a repair they are what an independent fold says', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const random = seeded(7);
      await appendShop(store, shopEvents(orders, random));
      await projected(store, database.db);
      for (const mutation of mutationsOf(await storiesOf(store), { random, on: kind.name, wanted }))
        await mutate(database.db, mutation);
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
