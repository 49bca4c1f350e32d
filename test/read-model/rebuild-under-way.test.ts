import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { openMemoryStore } from 'daybook/memory';
import { rebuildReadModel, repairReadModel, verifyReadModel } from 'daybook/read-model';
import { sql } from 'kysely';

import { databaseKindsOfLongTests } from './databases.ts';
import { seeded } from './random.ts';
import { appendShop, shopEvents, shopModel, type ShopTables } from './shop.ts';

const reason = { who: 'ann', why: 'a test' };

for (const kind of databaseKindsOfLongTests()) {
  describe(`a rebuild that is under way on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('B4 B6 refuses a rebuild and a repair beside it, and ends as if nobody had tried', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await appendShop(store, shopEvents(200, seeded(3)));
      await rebuildReadModel(store, shopModel(), { db: database.db, reason, proof: 'none' }).result();
      const other = database.connect();
      await other.updateTable('shipments').set({ paid: -7 }).execute();
      let phases = '';
      let steps = 0;
      for await (const { phase } of rebuildReadModel(store, shopModel(), { db: database.db, reason })) {
        steps += 1;
        phases += phase;
        if (phase === 'switching') break;
        const again = rebuildReadModel(store, shopModel(), { db: other, reason }).result();
        await assert.rejects(again, { code: 'rebuild-under-way', message: new RegExp(`/${process.pid}/`) });
        if (steps > 1) continue;
        const repair = repairReadModel(store, shopModel(), { db: other, reason, inPlaceAtMost: 0 }).result();
        await assert.rejects(repair, { code: 'rebuild-under-way' });
      }
      assert.match(phases, /folding.*comparing.*switching/);
      assert.equal((await verifyReadModel(store, shopModel(), { db: other }).result()).differing, 0);
    });

    it('B6 is gone on with when its instance elsewhere has been silent for longer than its lease, and not before', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const { db } = database;
      await appendShop(store, shopEvents(60, seeded(4)));
      for await (const { done } of rebuildReadModel(store, shopModel(), { db, reason })) if (done > 0) break;
      const later = Date.now() + 60_000;
      await sql`UPDATE daybook_read_model SET owner = 'elsewhere/1/silent', lease_until = ${later}`.execute(db);
      const at = (nowMs: number): Promise<unknown> =>
        rebuildReadModel(store, shopModel(), { db, reason, now: () => nowMs }).result();
      await assert.rejects(at(later - 1), { code: 'rebuild-under-way', owner: 'elsewhere/1/silent' });
      await at(later + 1);
      assert.equal((await verifyReadModel(store, shopModel(), { db }).result()).differing, 0);
    });

    it('B6 keeps the lease of the new tables while it folds again and compares', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const { db } = database;
      await appendShop(store, shopEvents(700, seeded(5)));
      await rebuildReadModel(store, shopModel(), { db, reason, proof: 'none' }).result();
      let nowMs = Date.now();
      const began = nowMs;
      const job = rebuildReadModel(store, shopModel(), { db, reason, now: () => nowMs });
      for await (const { phase } of job) {
        if (phase === 'switching') break;
        nowMs += 25_000;
        const { rows } = await sql<{ until: bigint | number | string }>`
          SELECT lease_until AS until FROM daybook_read_model WHERE name LIKE 'shop__next__%'`.execute(db);
        assert.equal(rows.length, 1);
        assert.ok(Number(rows[0]?.until) > nowMs, `in ${phase}, after ${nowMs - began} ms`);
      }
      assert.ok(nowMs - began > 200_000, 'it took no longer than a lease');
    });
  });
}
