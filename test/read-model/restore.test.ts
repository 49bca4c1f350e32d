import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import { jsonEvent, streamName, type EventStore } from 'daybook';
import { openMemoryStore } from 'daybook/memory';
import {
  adoptReadModel,
  blame,
  locateReadModel,
  runReadModel,
  verifyReadModel,
  type LogRestored,
} from 'daybook/read-model';
import { openSqliteStore, restoreSqliteStore } from 'daybook/sqlite';
import type { Kysely } from 'kysely';

import { databaseKindsOfLongTests } from './databases.ts';
import { seeded } from './random.ts';
import { foldOrder, storiesOf } from './shop-oracle.ts';
import { appendShop, shopEvents, shopModel, shopRows, type ShopTables } from './shop.ts';

const reason = { who: 'ann', why: 'a test' };

/** Projects everything there is, and stops. */
async function projected(store: EventStore, db: Kysely<ShopTables>): Promise<void> {
  await using run = await runReadModel(store, shopModel(), { db });
  const { position } = await store.head();
  assert.ok(position);
  await run.reached(position, { timeoutMs: 60_000 });
}

async function differing(store: EventStore, db: Kysely<ShopTables>): Promise<number> {
  return (await verifyReadModel(store, shopModel(), { db }).result()).differing;
}

/** A log in a file of its own, which can be set back. */
async function logInFile(): Promise<AsyncDisposable & { readonly folder: string; readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-restore-'));
  return {
    folder,
    path: join(folder, 'log.db'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

for (const kind of databaseKindsOfLongTests()) {
  describe(`restored copies on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('O-5 O-6 O-8 O-9 B3: a read model whose database was restored goes on by itself, and ends in harmony', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const events = shopEvents(300, seeded(11));
      await appendShop(store, events.slice(0, 300));
      await projected(store, database.db);
      await using restored = await database.copy();
      await appendShop(store, events.slice(300));
      await projected(store, database.db);
      await projected(store, restored.db);
      assert.deepEqual(await shopRows(restored.db), await shopRows(database.db));
      assert.equal(await differing(store, restored.db), 0);
    });

    it('O-7 B3: a log that was restored is refused, and the events that are gone are named', async () => {
      await using place = await logInFile();
      await using database = await kind.create<ShopTables>();
      const events = shopEvents(60, seeded(12));
      const backup = join(place.folder, 'backup.db');
      const gone: string[] = [];
      let agreed: bigint | undefined;
      {
        await using store = await openSqliteStore(place.path);
        agreed = await appendShop(store, events.slice(0, 100));
        await projected(store, database.db);
        for await (const progress of store.backup(backup)) assert.ok(progress);
        for (const event of events.slice(100, 117)) {
          await appendShop(store, [event]);
          gone.push(event.event.id);
          await projected(store, database.db);
        }
      }
      const before = await shopRows(database.db);
      await restoreSqliteStore(backup, join(place.folder, 'restored.db'));
      await using restored = await openSqliteStore(join(place.folder, 'restored.db'));
      const refused = async (why: LogRestored['reason']): Promise<void> => {
        await assert.rejects(runReadModel(restored, shopModel(), { db: database.db }), (error: LogRestored) => {
          assert.deepEqual([error.code, error.reason, error.agreesUpTo], ['log-restored', why, agreed]);
          assert.deepEqual(
            error.ghosts.map(({ id }) => id),
            gone,
          );
          return true;
        });
      };
      await refused('checkpoint-ahead');
      // The lost positions are given again, to other events.
      for (let index = 0; index < 150; index++) {
        const event = jsonEvent({ type: 'AwaitingShipment', data: { order_id: `other-${index}` } });
        await restored.append(streamName(`CustomerOrder-other-${index}`), [event], { expected: 'no-stream' });
      }
      await refused('other-event');
      assert.deepEqual(await shopRows(database.db), before);
    });

    it('O-7 B3: says how many events it has seen of a log that was restored, and names only those that are gone for certain', async () => {
      await using place = await logInFile();
      await using database = await kind.create<ShopTables>();
      const events = shopEvents(300, seeded(19));
      const backup = join(place.folder, 'backup.db');
      let agreed: bigint | undefined;
      {
        await using store = await openSqliteStore(place.path);
        agreed = await appendShop(store, events.slice(0, 100));
        await projected(store, database.db);
        await appendShop(store, events.slice(100, 150));
        for await (const progress of store.backup(backup)) assert.ok(progress);
        await appendShop(store, events.slice(150, 700));
        await projected(store, database.db); // Two batches: the backup ends in the middle of the first.
      }
      await restoreSqliteStore(backup, join(place.folder, 'restored.db'));
      await using restored = await openSqliteStore(join(place.folder, 'restored.db'));
      const refused = async (): Promise<LogRestored> => {
        const starting = runReadModel(restored, shopModel(), { db: database.db });
        return starting.then(
          () => assert.fail('it was not refused'),
          (error: LogRestored) => error,
        );
      };
      const there = new Set(events.slice(0, 150).map(({ event }) => event.id));
      const first = await refused();
      assert.deepEqual([first.code, first.agreesUpTo, first.seenEvents], ['log-restored', agreed, 600]);
      assert.match(first.message, /of the 600 events that it has seen after position \d+, \d+ are known to be gone/);
      const end = (await restored.head()).position ?? 0n;
      assert.ok(first.ghosts.length > 100 && first.ghosts.length <= 550, `${first.ghosts.length} ghosts`);
      assert.ok(first.ghosts.every((ghost) => ghost.position > end && !there.has(ghost.id ?? '')));
      assert.equal(first.ghosts.filter(({ id }) => id !== undefined).length, 2);
      // The lost positions are given again: rows do not say which event they mean.
      for (let index = 0; index < 600; index++) {
        const event = jsonEvent({ type: 'AwaitingShipment', data: { order_id: `other-${index}` } });
        await restored.append(streamName(`CustomerOrder-other-${index}`), [event], { expected: 'no-stream' });
      }
      const second = await refused();
      assert.deepEqual([second.reason, second.seenEvents, second.ghosts.length], ['other-event', 600, 2]);
      assert.ok(second.ghosts.every(({ id }) => id !== undefined && !there.has(id)));
    });

    it('B3: a log that was restored to a place behind the checkpoint is the same log', async () => {
      await using place = await logInFile();
      await using database = await kind.create<ShopTables>();
      const events = shopEvents(40, seeded(13));
      const backup = join(place.folder, 'backup.db');
      {
        await using store = await openSqliteStore(place.path);
        await appendShop(store, events.slice(0, 50));
        await projected(store, database.db);
        await appendShop(store, events.slice(50, 60));
        for await (const progress of store.backup(backup)) assert.ok(progress);
      }
      await restoreSqliteStore(backup, join(place.folder, 'restored.db'));
      await using restored = await openSqliteStore(join(place.folder, 'restored.db'));
      await appendShop(restored, events.slice(60));
      await projected(restored, database.db);
      assert.equal(await differing(restored, database.db), 0);
    });

    it('B3: another log is refused', async () => {
      await using one = openMemoryStore();
      await using other = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const events = shopEvents(20, seeded(14));
      await appendShop(one, events);
      await appendShop(other, events);
      await projected(one, database.db);
      await assert.rejects(runReadModel(other, shopModel(), { db: database.db }), {
        code: 'log-restored',
        reason: 'other-log',
      });
    });

    it('the rows say which event was the last, and which of them are older than they should be', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const at = await appendShop(store, shopEvents(100, seeded(15)).slice(0, 250));
      await projected(store, database.db);
      await appendShop(store, shopEvents(5, seeded(16)).slice(0, 3));
      const located = await locateReadModel(store, shopModel(), { db: database.db }).result();
      assert.deepEqual([located.position, located.basis, located.holes], [at, 'positions', []]);
      const story = [...(await storiesOf(store))].find(([, events]) => events.length > 2 && foldOrder(events));
      assert.ok(story);
      const [order, events] = story;
      const older = foldOrder(events.slice(0, 1));
      assert.ok(older);
      await database.db.updateTable('shipments').set(older).where('order_id', '=', order).execute();
      const holed = await locateReadModel(store, shopModel(), { db: database.db }).result();
      assert.deepEqual(
        holed.holes.map(({ key }) => key['order_id']),
        [order],
      );
    });

    it('B5 tables that do not say where they come from are located by what they hold, and adopted', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const events = shopEvents(150, seeded(17));
      const at = await appendShop(store, events.slice(0, 200));
      await projected(store, database.db);
      await appendShop(store, events.slice(200));
      for (const table of ['shipments', 'carriers'] as const) {
        await database.db.schema.alterTable(table).dropColumn('_position').execute();
      }
      for (const table of ['daybook_read_model', 'daybook_read_model_source', 'daybook_read_model_trail']) {
        await database.db.schema.dropTable(table).execute();
      }
      const located = await locateReadModel(store, shopModel(), { db: database.db }).result();
      assert.deepEqual([located.position, located.basis, located.holes.length], [at, 'rows', 0]);
      const adopted = await adoptReadModel(store, shopModel(), { db: database.db, reason }).result();
      assert.deepEqual([adopted.from, adopted.basis, adopted.verified.differing], [at, 'rows', 0]);
      assert.ok(adopted.events > 0);
      await using run = await runReadModel(store, shopModel(), { db: database.db });
      await run.reached((await store.head()).position ?? at);
      assert.equal(await differing(store, database.db), 0);
    });

    it('does not adopt tables that other code has built: it writes nothing, and shuts nobody out', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const events = shopEvents(40, seeded(19));
      const at = await appendShop(store, events.slice(0, 60));
      await using run = await runReadModel(store, shopModel(), { db: database.db, pollMs: 5 });
      await run.reached(at, { timeoutMs: 60_000 });
      const db = database.connect();
      const holder = (): Promise<unknown> =>
        db
          .withTables<{ daybook_read_model: { owner: string; token: bigint } }>()
          .selectFrom('daybook_read_model')
          .select(['owner', 'token'])
          .execute();
      const before = { rows: await shopRows(db), holder: await holder() };
      const other = { ...shopModel(), code: 'other' };
      await assert.rejects(adoptReadModel(store, other, { db, reason }).result(), { code: 'needs-rebuild' });
      assert.deepEqual({ rows: await shopRows(db), holder: await holder() }, before);
    });

    it('B8 blame names the last event that changed a value', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await appendShop(store, shopEvents(40, seeded(18)));
      await projected(store, database.db);
      let asked = 0;
      for (const [order, events] of await storiesOf(store)) {
        if (foldOrder(events) === undefined || asked > 6) continue;
        for (const column of ['carrier', 'paid', 'mails'] as const) {
          const setter = events.findLast(
            (_event, i) => foldOrder(events.slice(0, i))?.[column] !== foldOrder(events.slice(0, i + 1))?.[column],
          );
          const options = { db: database.db, table: 'shipments', key: { order_id: order }, column };
          const { event, after: value } = await blame(store, shopModel(), options).result();
          assert.deepEqual([event?.id, value], [setter?.id, foldOrder(events)?.[column]]);
          asked += 1;
        }
      }
      assert.ok(asked > 6);
    });
  });
}
