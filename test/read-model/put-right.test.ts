import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { jsonEvent, streamName, type EventStore } from 'daybook';
import { openMemoryStore } from 'daybook/memory';
import { readModel, repairReadModel, runReadModel, verifyReadModel, type ReadModel } from 'daybook/read-model';
import { sql, type Kysely } from 'kysely';

import { databaseKinds } from './databases.ts';

const reason = { who: 'ann', why: 'a test' };

interface Tables {
  readonly orders: { readonly id: string; readonly seat: string; readonly text: string };
  readonly items: { readonly id: string; readonly order_id: string };
}

/** Orders, each with a seat of its own, and items that go away with their order. */
function ordersModel(): ReadModel {
  return readModel('orders', {
    from: ['$ce-Order'],
    tables: { orders: { key: ['id'] }, items: { key: ['id'] } },
    migrate: async (db: Kysely<Tables>) => {
      await db.schema
        .createTable('orders')
        .addColumn('id', 'varchar(40)', (column) => column.primaryKey())
        .addColumn('seat', 'varchar(40)', (column) => column.notNull().unique())
        .addColumn('text', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('items')
        .addColumn('id', 'varchar(40)', (column) => column.primaryKey())
        .addColumn('order_id', 'varchar(40)', (column) => column.notNull().references('orders.id').onDelete('cascade'))
        .execute();
    },
    on: {
      Ordered: async ({ stream }, tx) => {
        await tx
          .insertInto('orders')
          .values({ id: stream, seat: `seat of ${stream}`, text: 'right' })
          .execute();
        await tx
          .insertInto('items')
          .values({ id: `item of ${stream}`, order_id: stream })
          .execute();
      },
    },
  });
}

async function projected(store: EventStore, db: Kysely<Tables>): Promise<void> {
  for (let number = 1; number <= 6; number++) {
    const event = jsonEvent({ type: 'Ordered', data: {} });
    await store.append(streamName(`Order-${number}`), [event], { expected: 'no-stream' });
  }
  await using run = await runReadModel(store, ordersModel(), { db });
  await run.reached((await store.head()).position!, { timeoutMs: 20_000 });
}

async function rowsOf(db: Kysely<Tables>): Promise<unknown> {
  const orders = await db.selectFrom('orders').selectAll().orderBy('id').execute();
  const items = await db.selectFrom('items').selectAll().orderBy('id').execute();
  return { orders, items };
}

for (const kind of databaseKinds()) {
  describe(`putting rows right on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('B4 leaves the rows that refer to a row it puts right, and brings back those that went away with one', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<Tables>();
      const { db } = database;
      await projected(store, db);
      const before = await rowsOf(db);
      await db.updateTable('orders').set({ text: 'wrong' }).where('id', 'in', ['Order-1', 'Order-2']).execute();
      await db.deleteFrom('orders').where('id', '=', 'Order-3').execute();
      await db.insertInto('orders').values({ id: 'Order-9', seat: 'none', text: 'too much' }).execute();
      await db.updateTable('items').set({ order_id: 'Order-9' }).where('order_id', '=', 'Order-4').execute();
      const { way, rows, proof } = await repairReadModel(store, ordersModel(), { db, reason }).result();
      assert.deepEqual([way, rows, proof.basis, proof.rows], ['in-place', 6, 'compared', 12]);
      assert.deepEqual(await rowsOf(db), before);
      assert.equal((await verifyReadModel(store, ordersModel(), { db }).result()).differing, 0);
    });

    it('B4 puts rows right that have each other’s value in a unique column', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<Tables>();
      const { db } = database;
      await projected(store, db);
      const before = await rowsOf(db);
      for (const [id, seat] of [
        ['Order-1', 'free'],
        ['Order-2', 'seat of Order-1'],
        ['Order-1', 'seat of Order-2'],
      ] as const) {
        await db.updateTable('orders').set({ seat }).where('id', '=', id).execute();
      }
      const { way, rows } = await repairReadModel(store, ordersModel(), { db, reason }).result();
      assert.deepEqual([way, rows], ['in-place', 2]);
      assert.deepEqual(await rowsOf(db), before);
    });

    it('B4 commits nothing when the tables do not become right, and names the way out, which is one', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<Tables>();
      const { db } = database;
      await projected(store, db);
      await db.updateTable('orders').set({ text: 'wrong' }).where('id', '=', 'Order-1').execute();
      await spoiling(db, kind.name);
      const before = await rowsOf(db);
      await assert.rejects(repairReadModel(store, ordersModel(), { db, reason }).result(), {
        code: 'not-put-right',
        message: /--in-place 0/,
      });
      assert.deepEqual(await rowsOf(db), before);
      const { way } = await repairReadModel(store, ordersModel(), { db, reason, inPlaceAtMost: 0 }).result();
      assert.equal(way, 'rebuild');
      assert.equal((await verifyReadModel(store, ordersModel(), { db }).result()).differing, 0);
    });
  });
}

/** Makes the database spoil another row whenever an order is written. */
async function spoiling(db: Kysely<Tables>, kind: 'SQLite' | 'PostgreSQL'): Promise<void> {
  if (kind === 'SQLite') {
    await sql`CREATE TRIGGER spoil AFTER UPDATE ON orders BEGIN DELETE FROM items WHERE id = 'item of Order-5'; END`.execute(
      db,
    );
    await sql`CREATE TRIGGER spoil_new AFTER INSERT ON items BEGIN UPDATE orders SET text = 'spoilt' WHERE id = 'Order-6'; END`.execute(
      db,
    );
    return;
  }
  await sql`CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN DELETE FROM items WHERE id = 'item of Order-5'; RETURN NEW; END $$`.execute(db);
  await sql`CREATE FUNCTION spoil_new() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN UPDATE orders SET text = 'spoilt' WHERE id = 'Order-6'; RETURN NEW; END $$`.execute(db);
  await sql`CREATE TRIGGER spoil AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION spoil()`.execute(db);
  await sql`CREATE TRIGGER spoil_new AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION spoil_new()`.execute(db);
}
