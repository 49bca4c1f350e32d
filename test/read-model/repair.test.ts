import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import { jsonData, jsonEvent, streamName, type EventStore } from 'daybook';
import { requestControl } from 'daybook/consumer';
import { openMemoryStore } from 'daybook/memory';
import {
  planRepair,
  readModel,
  repairReadModel,
  runReadModel,
  verifyReadModel,
  type ReadModel,
} from 'daybook/read-model';
import { openSqliteStore } from 'daybook/sqlite';
import { sql, type Kysely } from 'kysely';

import { until } from '../services/until.ts';
import { databaseKindsOfLongTests } from './databases.ts';
import { seeded } from './random.ts';
import { foldOrder, storiesOf } from './shop-oracle.ts';
import { appendShop, dataOf, shopEvents, shopModel, shopOptions, shopRows, type ShopTables } from './shop.ts';

const reason = { who: 'ann', why: 'a test' };
const patienceMs = 20_000;

/** Projects everything, and stops. */
async function projected(store: EventStore, db: Kysely<ShopTables>): Promise<void> {
  await using run = await runReadModel(store, shopModel(), { db });
  const { position } = await store.head();
  assert.ok(position);
  await run.reached(position, { timeoutMs: patienceMs });
}

/** Holds the tables against a fold that shares nothing with the read model. */
async function assertRight(store: EventStore, db: Kysely<ShopTables>): Promise<void> {
  const stories = await storiesOf(store);
  const expected = [...stories.values()].flatMap((events) => foldOrder(events) ?? []);
  const { shipments, carriers = [] } = await shopRows(db);
  assert.deepEqual(
    shipments,
    expected.toSorted((a, b) => (a.order_id < b.order_id ? -1 : 1)),
  );
  const shipped = [...stories.values()].flat().filter(({ type }) => type === 'OrderShipped').length;
  const counted = (carriers as readonly { readonly parcels: number }[]).reduce((sum, { parcels }) => sum + parcels, 0);
  assert.equal(counted, shipped);
}

/** Writes into some rows, as nobody should. */
async function spoil(db: Kysely<ShopTables>, orders: number): Promise<void> {
  const rows = await db.selectFrom('shipments').select('order_id').orderBy('order_id').limit(orders).execute();
  assert.equal(rows.length, orders);
  for (const { order_id } of rows) {
    await db.updateTable('shipments').set({ paid: -7_000 }).where('order_id', '=', order_id).execute();
  }
}

/** Leaves a lease to an instance of another machine that will never say anything again. */
async function leaveLease(db: Kysely<ShopTables>, owner: string): Promise<void> {
  const later = Date.now() + 3_600_000;
  await sql`
    UPDATE daybook_read_model SET owner = ${owner}, lease_until = ${later}, token = token + 1 WHERE name = 'shop'`.execute(
    db,
  );
}

async function kept(store: EventStore): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const events = await Array.fromAsync(store.readStream(streamName('$ops-shop')));
  return events.map((event) => ({ type: event.type, ...(jsonData(event) as object) }));
}

/** The shop by code that writes carriers in capitals. */
function louderShop(): ReadModel {
  const options = shopOptions();
  return readModel('shop', {
    ...options,
    on: {
      ...options.on,
      OrderShipped: (event, tx) =>
        tx
          .updateTable('shipments')
          .set({ carrier: dataOf(event).carrier.toUpperCase() })
          .where('order_id', '=', dataOf(event).order_id)
          .execute(),
    },
  });
}

/** Starts a process that runs the read model, and gets stuck in a batch. */
function startRun(log: string, database: string): ChildProcessWithoutNullStreams & { readonly said: () => string } {
  const program = join(import.meta.dirname, 'run-child.ts');
  const child = spawn(process.execPath, ['--conditions=@daybook/source', program, log, database]);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (said += String(data)));
  return Object.assign(child, { said: () => said });
}

for (const kind of databaseKindsOfLongTests()) {
  describe(`repair on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('B4 O-4 projects and puts right what a paused run does not, which stays paused afterwards, and goes on when it is resumed', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const events = shopEvents(60, seeded(31));
      await appendShop(store, events.slice(0, 100));
      await using run = await runReadModel(store, shopModel(), { db: database.db, pollMs: 5 });
      await run.reached((await store.head()).position!, { timeoutMs: patienceMs });
      const until60 = new Date(Date.now() + 3_600_000);
      await requestControl(store, 'shop', { kind: 'pause', until: until60, who: 'bob', why: 'the disk is full' });
      await until('it is paused', () => run.status().state === 'paused', patienceMs);
      await appendShop(store, events.slice(100, 140));
      const other = database.connect();
      await spoil(other, 3);
      const report = await repairReadModel(store, shopModel(), { db: other, reason }).result();
      assert.deepEqual([report.way, report.events > 0, report.rows], ['in-place', true, 3]);
      assert.ok(report.fenced?.includes(String(process.pid)), report.fenced);
      assert.deepEqual(report.paused, { who: 'bob', why: 'the disk is full', until: until60 });
      await assertRight(store, other);
      await until('it is paused again', () => run.status().state === 'paused', patienceMs);
      const { shipments } = await shopRows(other);
      const end = await appendShop(store, events.slice(140));
      await assert.rejects(run.reached(end, { timeoutMs: 100 }), { code: 'not-reached' });
      assert.deepEqual((await shopRows(other)).shipments, shipments);
      await requestControl(store, 'shop', { kind: 'resume', ...reason });
      await run.reached(end, { timeoutMs: patienceMs });
      await assertRight(store, other);
    });

    it('B4 O-4 fences a run of another process that is stuck in a batch: its commit is refused, and it goes on afterwards', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'daybook-repair-'));
      let child: ReturnType<typeof startRun> | undefined;
      try {
        await using store = await openSqliteStore(join(folder, 'log.db'));
        await using database = await kind.create<ShopTables>();
        const events = shopEvents(40, seeded(32));
        await appendShop(store, events.slice(0, 60));
        await projected(store, database.db);
        const awaiting = jsonEvent({ type: 'AwaitingShipment', data: { order_id: 'stuck' } });
        await store.append(streamName('CustomerOrder-stuck'), [awaiting], { expected: 'no-stream' });
        const started = (child = startRun(join(folder, 'log.db'), database.location));
        const closed = once(started, 'close');
        await until('it is stuck', () => started.said().includes('stuck'), patienceMs);
        await appendShop(store, events.slice(60, 90));
        await spoil(database.db, 2);
        const report = await repairReadModel(store, shopModel(), { db: database.db, reason }).result();
        assert.deepEqual([report.way, report.events > 1, report.rows], ['in-place', true, 2]);
        assert.ok(report.fenced?.includes(`/${started.pid}/`), report.fenced);
        await assertRight(store, database.db);
        started.stdin.write('go on\n');
        await until('it is live', () => started.said().includes('live'), patienceMs);
        await assertRight(store, database.db);
        await appendShop(store, events.slice(90));
        const goneOn = async (): Promise<boolean> => {
          const { differing, position } = await verifyReadModel(store, shopModel(), { db: database.db }).result();
          const last = [...(await storiesOf(store)).values()]
            .flat()
            .reduce((most, each) => (each.position > most.position ? each : most));
          return differing === 0 && position >= last.position;
        };
        await until('it has gone on', goneOn, patienceMs);
        await assertRight(store, database.db);
        started.stdin.end();
        assert.deepEqual(await closed, [0, null], started.said());
      } finally {
        child?.kill();
        await rm(folder, { recursive: true, force: true });
      }
    });

    it('B4 O-4 takes a lease that nobody uses any more, and says whose it was', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const events = shopEvents(40, seeded(33));
      await appendShop(store, events.slice(0, 60));
      await projected(store, database.db);
      await appendShop(store, events.slice(60));
      await leaveLease(database.db, 'elsewhere/1/dead');
      const plan = await planRepair(store, shopModel(), { db: database.db }).result();
      assert.deepEqual([plan.way, plan.fences], ['project', 'elsewhere/1/dead']);
      const report = await repairReadModel(store, shopModel(), { db: database.db, reason }).result();
      assert.deepEqual([report.way, report.fenced, report.rows], ['project', 'elsewhere/1/dead', 0]);
      await assertRight(store, database.db);
      await using run = await runReadModel(store, shopModel(), { db: database.db, pollMs: 5 });
      await until('it is live at once', () => run.status().state === 'live', patienceMs);
    });

    it('B4 names before whom it shuts out, whichever way it goes', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const { db } = database;
      await appendShop(store, shopEvents(40, seeded(35)));
      await projected(store, db);
      const owner = 'elsewhere/1/dead';
      for (const [way, spoilt, model, fenced] of [
        ['none', 0, shopModel(), owner],
        ['in-place', 2, shopModel(), owner],
        ['rebuild', 3, shopModel(), owner],
        ['rebuild', 0, louderShop(), undefined],
      ] as const) {
        await spoil(db, spoilt);
        await leaveLease(db, owner);
        const plan = await planRepair(store, model, { db, inPlaceAtMost: 2 }).result();
        assert.deepEqual([plan.way, plan.fences], [way, fenced]);
        const report = await repairReadModel(store, model, { db, reason, inPlaceAtMost: 2 }).result();
        assert.deepEqual([report.way, report.fenced], [way, fenced]);
      }
    });

    it('B4 goes the way that costs least, says which before, and proves it: nothing, in place, or built anew beside', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await appendShop(store, shopEvents(60, seeded(34)));
      await projected(store, database.db);
      const { db } = database;
      const planned = async (inPlaceAtMost: number, model = shopModel()): Promise<readonly unknown[]> => {
        const { way, rows, estimatedMs } = await planRepair(store, model, { db, inPlaceAtMost }).result();
        assert.ok(estimatedMs > 0);
        return [way, rows];
      };
      const done = async (inPlaceAtMost: number, model = shopModel()): Promise<readonly unknown[]> => {
        const { way, rows, proof } = await repairReadModel(store, model, { db, reason, inPlaceAtMost }).result();
        assert.equal(proof.differing, 0);
        assert.ok(proof.rows > 0 && proof.position > 0n);
        return [way, rows, proof.basis];
      };
      assert.deepEqual(await planned(5), ['none', 0]);
      assert.deepEqual(await done(5), ['none', 0, 'compared']);
      await spoil(db, 5);
      assert.deepEqual(await planned(5), ['in-place', 5]);
      assert.deepEqual(await done(5), ['in-place', 5, 'compared']);
      await assertRight(store, db);
      await spoil(db, 6);
      assert.deepEqual(await planned(5), ['rebuild', 6]);
      assert.deepEqual(await done(5), ['rebuild', 6, 'folded-twice']);
      await assertRight(store, db);
      const [way] = await planned(5, louderShop());
      assert.equal(way, 'rebuild');
      const [louder] = await done(5, louderShop());
      assert.equal(louder, 'rebuild');
      assert.deepEqual(await planned(5, louderShop()), ['none', 0]);
      assert.deepEqual(
        (await kept(store)).map(({ type, way: went }) => [type, went]),
        [
          ['ReadModelRepaired', 'none'],
          ['ReadModelRepaired', 'in-place'],
          ['ReadModelRebuilt', undefined],
          ['ReadModelRepaired', 'rebuild'],
          ['ReadModelRebuilt', undefined],
          ['ReadModelRepaired', 'rebuild'],
        ],
      );
    });
  });
}
