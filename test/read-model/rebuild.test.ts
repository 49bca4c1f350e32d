import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { jsonData, position } from 'daybook';
import { openMemoryStore } from 'daybook/memory';
import {
  readModel,
  rebuildReadModel,
  runReadModel,
  switchBack,
  verifyReadModel,
  type ReadModel,
} from 'daybook/read-model';

import { databaseKinds } from './databases.ts';
import { seeded } from './random.ts';
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

const louder: ShopHandler = async (event, tx) => {
  const { order_id, carrier, shipped_on } = dataOf(event);
  await tx
    .updateTable('shipments')
    .set({ carrier: carrier.toUpperCase(), shipped_on, changes: 1 })
    .where('order_id', '=', order_id)
    .execute();
  await tx.insertInto('carriers').values({ carrier: order_id, parcels: 1 }).execute();
};

let calls = 0;

const forgetful: ShopHandler = (event, tx) => {
  calls += 1;
  return tx.updateTable('shipments').set({ mails: calls }).where('order_id', '=', dataOf(event).order_id).execute();
};

/** The shop with other handlers. */
function shopWith(handlers: Readonly<Record<string, ShopHandler>>): ReadModel {
  const options = shopOptions();
  return readModel('shop', { ...options, on: { ...options.on, ...handlers } });
}

for (const kind of databaseKinds()) {
  describe(`rebuild on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('O-14 builds from the first event beside the old tables, and readers never see an empty or half-filled one', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const random = seeded(5);
      const events = shopEvents(400, random);
      await appendShop(store, events.slice(0, 900));
      await using run = await runReadModel(store, shopModel(), { db: database.db, pollMs: 5 });
      const reader = database.connect();
      const stopping = new AbortController();
      await run.reached((await store.head()).position ?? position(0n), { timeoutMs: 20_000 });
      const counts: number[] = [];
      const reading = (async () => {
        while (!stopping.signal.aborted) {
          const { rows } = await reader
            .selectFrom('shipments')
            .select((eb) => eb.fn.countAll().as('rows'))
            .executeTakeFirstOrThrow();
          counts.push(Number(rows));
        }
      })();
      const changed = shopWith({ OrderShipped: louder });
      const report = await rebuildReadModel(store, changed, { db: database.connect(), reason }).result();
      stopping.abort();
      await reading;
      assert.ok(counts.length > 0 && Math.min(...counts) > 0, `readers saw ${Math.min(...counts)} rows`);
      const [shipments] = report.diff;
      assert.deepEqual(
        [shipments?.added, shipments?.removed, Object.keys(shipments?.columns ?? {}).toSorted()],
        [0, 0, ['carrier', 'changes']],
      );
      const { shipments: rows } = await shopRows(database.db);
      assert.ok(JSON.stringify(rows).includes('FEDEX'));
      await switchBack(store, shopModel(), { db: database.connect(), reason });
      const end = await appendShop(store, events.slice(900));
      await run.reached(end, { timeoutMs: 20_000 });
      const proof = await verifyReadModel(store, shopModel(), { db: database.connect() }).result();
      assert.deepEqual([proof.differing, proof.isCodeChanged], [0, false]);
    });

    it('goes on with a rebuild that was stopped half way', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const end = await appendShop(store, shopEvents(500, seeded(6)));
      for await (const progress of rebuildReadModel(store, shopModel(), { db: database.db, reason })) {
        assert.ok(progress.done > 0 && progress.total !== undefined);
        break;
      }
      const report = await rebuildReadModel(store, shopModel(), { db: database.db, reason, proof: 'none' }).result();
      assert.ok(report.events > 0 && report.events < Number(end), `${report.events} of ${end} events were read again`);
      const proof = await verifyReadModel(store, shopModel(), { db: database.db }).result();
      assert.equal(proof.differing, 0);
    });

    it('B6 rebuilds by itself when the code has changed, if it is asked to, and goes on where one that stopped was', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const events = shopEvents(400, seeded(9));
      const end = await appendShop(store, events.slice(0, 900));
      {
        await using run = await runReadModel(store, shopModel(), { db: database.db, pollMs: 5 });
        await run.reached(end, { timeoutMs: 20_000 });
      }
      const changed = shopWith({ OrderShipped: louder });
      const before = await shopRows(database.db);
      {
        await using kept = await runReadModel(store, changed, { db: database.db, pollMs: 5 });
        assert.equal(kept.status().needsRebuild, true);
        assert.deepEqual(await shopRows(database.db), before);
      }
      for await (const { done } of rebuildReadModel(store, changed, { db: database.db, reason })) if (done > 0) break;
      const whenCodeChanges = 'rebuild';
      await using run = await runReadModel(store, changed, {
        db: database.db,
        pollMs: 5,
        leaseMs: 30,
        whenCodeChanges,
      });
      const newest = await appendShop(store, events.slice(900));
      await run.reached(newest, { timeoutMs: 20_000 });
      assert.deepEqual([run.status().needsRebuild, run.status().failures], [false, 0]);
      const proof = await verifyReadModel(store, changed, { db: database.connect() }).result();
      assert.deepEqual([proof.differing, proof.isCodeChanged], [0, false]);
      assert.ok(JSON.stringify((await shopRows(database.db)).shipments).includes('FEDEX'));
      const recorded: unknown[] = [];
      for await (const event of store.readAll()) if (event.type === 'ReadModelRebuilt') recorded.push(jsonData(event));
      assert.match(JSON.stringify(recorded), /the code of the read model has changed/);
      await switchBack(store, shopModel(), { db: database.connect(), reason });
    });

    it('fails, and keeps the old tables, when the changed code comes out differently the second time', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await appendShop(store, shopEvents(30, seeded(8)));
      await rebuildReadModel(store, shopModel(), { db: database.db, reason, proof: 'none' }).result();
      const before = await shopRows(database.db);
      const model = shopWith({ ShipmentEmailSent: forgetful });
      await using run = await runReadModel(store, model, { db: database.db, pollMs: 5, whenCodeChanges: 'rebuild' });
      await assert.rejects(run.finished, { code: 'rebuild-not-proven' });
      assert.equal(run.status().state, 'failed');
      assert.deepEqual(await shopRows(database.db), before);
    });

    it('does not show tables that come out differently the second time', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await appendShop(store, shopEvents(30, seeded(8)));
      await rebuildReadModel(store, shopModel(), { db: database.db, reason, proof: 'none' }).result();
      const before = await shopRows(database.db);
      const model = shopWith({ ShipmentEmailSent: forgetful });
      await assert.rejects(rebuildReadModel(store, model, { db: database.db, reason }).result(), {
        code: 'rebuild-not-proven',
      });
      assert.deepEqual(await shopRows(database.db), before);
      await assert.rejects(switchBack(store, model, { db: database.db, reason }), { code: 'nothing-to-switch-back' });
    });
  });
}
