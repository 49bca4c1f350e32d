import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { openMemoryStore } from 'daybook/memory';
import { ReadModelLocked, rebuildReadModel, repairReadModel, switchBack } from 'daybook/read-model';
import { sql, type Kysely } from 'kysely';

import { until } from '../services/until.ts';
import { databaseKinds } from './databases.ts';
import { seeded } from './random.ts';
import { appendShop, shopEvents, shopModel, type ShopTables } from './shop.ts';

const reason = { who: 'ann', why: 'a test' };

// SQLite has one writer at a time, and a limit of its own for waiting.
for (const kind of databaseKinds().filter(({ name }) => name === 'PostgreSQL')) {
  describe(`a checkpoint that an open transaction holds on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('B4 ends a repair with the process that holds it, or when its signal aborts', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await appendShop(store, shopEvents(20, seeded(3)));
      await rebuildReadModel(store, shopModel(), { db: database.db, reason, proof: 'none' }).result();
      const stuck = database.connect();
      await stuck.transaction().execute(async (tx) => {
        await sql`UPDATE daybook_read_model SET seen_position = seen_position WHERE name = 'shop'`.execute(tx);
        const pid = await pidOf(tx);
        const repair = repairReadModel(store, shopModel(), { db: database.db, reason }).result();
        await assert.rejects(repair, (error: ReadModelLocked) => {
          assert.deepEqual([error.code, error.pid], ['read-model-locked', pid]);
          assert.match(error.message, new RegExp(`process ${pid} of the database server`));
          return true;
        });
        const stopping = new AbortController();
        const { signal } = stopping;
        const stopped = repairReadModel(store, shopModel(), { db: database.db, reason, signal }).result();
        const refused = assert.rejects(stopped, { message: 'enough' });
        const other = database.connect();
        await until('it waits', () => isWaiting(other), 20_000);
        stopping.abort(new Error('enough'));
        await refused;
      });
      const { way } = await repairReadModel(store, shopModel(), { db: database.db, reason }).result();
      assert.equal(way, 'none');
    });

    it(
      'gives a rebuild, a switch back and a repair up after a while, lets others read, and goes on where it was',
      { timeout: 60_000 },
      async () => {
        await using store = openMemoryStore();
        await using database = await kind.create<ShopTables>();
        const { db } = database;
        await appendShop(store, shopEvents(20, seeded(4)));
        const again = (): Promise<unknown> =>
          rebuildReadModel(store, shopModel(), { db, reason, proof: 'none', lockWaitMs: 0 }).result();
        await again();
        await again(); // Now there is something to switch back to.
        await using report = await openTransaction(database.connect(), ['shipments', 'carriers']);
        const isLocked = (error: unknown): boolean => {
          assert.ok(error instanceof ReadModelLocked, String(error));
          assert.equal(error.pid, report.pid);
          return true;
        };
        await assert.rejects(again(), isLocked);
        await assert.rejects(switchBack(store, shopModel(), { db, reason, lockWaitMs: 0 }), isLocked);
        await db.updateTable('shipments').set({ mails: 7 }).execute();
        const repaired = repairReadModel(store, shopModel(), { db, reason, inPlaceAtMost: 0, lockWaitMs: 0 }).result();
        await assert.rejects(repaired, isLocked);
        const waiting = rebuildReadModel(store, shopModel(), { db, reason, proof: 'none' }).result();
        const other = database.connect();
        await until('it waits', () => isWaiting(other), 20_000);
        assert.ok((await other.selectFrom('shipments').selectAll().execute()).length > 0, 'a reader is let through');
        await report.end();
        const { diff, events } = await waiting;
        assert.ok(diff.some(({ changed }) => changed > 0));
        assert.equal(events, 0, 'what was built before is not built again');
        const { code } = await switchBack(store, shopModel(), { db, reason });
        assert.equal(code, shopModel().code);
      },
    );

    it(
      'gives rows that cannot be put right for a lock of somebody else up after a while',
      { timeout: 60_000 },
      async () => {
        await using store = openMemoryStore();
        await using database = await kind.create<ShopTables>();
        const { db } = database;
        await appendShop(store, shopEvents(20, seeded(5)));
        await rebuildReadModel(store, shopModel(), { db, reason, proof: 'none' }).result();
        await db.updateTable('shipments').set({ mails: 7 }).execute();
        await using editor = await openTransaction(database.connect(), ['shipments'], 'FOR UPDATE');
        const repair = (): Promise<{ readonly way: string }> =>
          repairReadModel(store, shopModel(), { db, reason, lockWaitMs: 0 }).result();
        await assert.rejects(repair(), { code: 'read-model-locked', pid: editor.pid });
        await editor.end();
        assert.equal((await repair()).way, 'in-place');
      },
    );
  });
}

/** A transaction that has read tables and goes on, such as that of a long report. */
async function openTransaction(
  db: Kysely<ShopTables>,
  tables: readonly (keyof ShopTables)[],
  lock: '' | 'FOR UPDATE' = '',
): Promise<AsyncDisposable & { readonly pid: number; readonly end: () => Promise<void> }> {
  const tx = await db.startTransaction().execute();
  for (const table of tables) await sql`SELECT * FROM ${sql.table(table)} ${sql.raw(lock)}`.execute(tx);
  const pid = await pidOf(tx);
  const end = async (): Promise<void> => {
    if (!tx.isRolledBack) await tx.rollback().execute();
  };
  return { pid, end, [Symbol.asyncDispose]: end };
}

async function isWaiting(db: Kysely<ShopTables>): Promise<boolean> {
  return (await sql`SELECT pid FROM pg_locks WHERE NOT granted`.execute(db)).rows.length > 0;
}

/** The server process that a transaction runs in. */
async function pidOf(tx: Kysely<ShopTables>): Promise<number> {
  const { rows } = await sql<{ readonly pid: number }>`
    SELECT pid FROM pg_stat_activity WHERE state = 'active' AND datname = current_database()
    AND query LIKE '%whose own pid%' -- whose own pid`.execute(tx);
  return rows[0]!.pid; // Whoever asks is active.
}
