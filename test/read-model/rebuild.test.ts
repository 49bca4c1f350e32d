import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { position } from 'daybook';
import { openMemoryStore } from 'daybook/memory';
import { readModel, rebuildReadModel, runReadModel, switchBack, verifyReadModel } from 'daybook/read-model';

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
      const options = shopOptions();
      const changed = readModel('shop', { ...options, on: { ...options.on, OrderShipped: louder } });
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

    it('does not show tables that come out differently the second time', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await appendShop(store, shopEvents(30, seeded(8)));
      await rebuildReadModel(store, shopModel(), { db: database.db, reason, proof: 'none' }).result();
      const before = await shopRows(database.db);
      const options = shopOptions();
      const model = readModel('shop', { ...options, on: { ...options.on, ShipmentEmailSent: forgetful } });
      await assert.rejects(rebuildReadModel(store, model, { db: database.db, reason }).result(), {
        code: 'rebuild-not-proven',
      });
      assert.deepEqual(await shopRows(database.db), before);
      await assert.rejects(switchBack(store, model, { db: database.db, reason }), { code: 'nothing-to-switch-back' });
    });
  });
}
