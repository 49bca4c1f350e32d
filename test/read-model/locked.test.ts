import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { openMemoryStore } from 'daybook/memory';
import { rebuildReadModel, repairReadModel, type ReadModelLocked } from 'daybook/read-model';
import { sql } from 'kysely';

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
        const { rows } = await sql<{
          pid: number;
        }>`SELECT pid FROM pg_stat_activity WHERE state = 'active' AND datname = current_database()`.execute(tx);
        const pid = rows[0]?.pid;
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
        const isWaiting = async (): Promise<boolean> =>
          (await sql`SELECT pid FROM pg_locks WHERE NOT granted`.execute(other)).rows.length > 0;
        await until('it waits', isWaiting, 20_000);
        stopping.abort(new Error('enough'));
        await refused;
      });
      const { way } = await repairReadModel(store, shopModel(), { db: database.db, reason }).result();
      assert.equal(way, 'none');
    });
  });
}
