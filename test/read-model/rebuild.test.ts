import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import { jsonData, position, type EventStore } from 'daybook';
import { openMemoryStore } from 'daybook/memory';
import {
  findPrevious,
  readModel,
  rebuildReadModel,
  runReadModel,
  switchBack,
  verifyReadModel,
  type ReadModel,
  type ReadModelRun,
} from 'daybook/read-model';
import { SimulatedClock } from 'daybook/testing';
import type { Kysely } from 'kysely';

import { until } from '../services/until.ts';
import { connectTo, databaseKinds } from './databases.ts';
import { seeded } from './random.ts';
import { sumsOf } from './shop-sums.ts';
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
import { SimulatedDatabase } from './simulated-database.ts';

const reason = { who: 'ann', why: 'a test' };
const patienceMs = 20_000;
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

/** What the log keeps of rebuilds. */
async function rebuilt(store: EventStore): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const events = await Array.fromAsync(store.readAll({ filter: { eventTypes: ['ReadModelRebuilt'] } }));
  return events.map((event) => jsonData(event) as Readonly<Record<string, unknown>>);
}

describe('a rebuild by itself', () => {
  it('B6 keeps the lease of the old tables for as long as it takes, and who stands by goes on standing by', async () => {
    const clock = new SimulatedClock();
    await using store = openMemoryStore({ now: () => clock.now() });
    using database = new SimulatedDatabase({ random: () => clock.random() });
    const connect = (): Kysely<ShopTables> => database.connect<ShopTables>(() => {}).db;
    await appendShop(store, shopEvents(700, seeded(3)));
    await rebuildReadModel(store, shopModel(), { db: connect(), reason, proof: 'none' }).result();
    let handled = 0;
    // It takes a second of this clock for each hundred events, and the whole of it many times the lease.
    const slow: ShopHandler = async (event, tx) => {
      handled += 1;
      if (handled % 100 === 0) await clock.advance(1_000);
      await louder(event, tx);
    };
    const model = shopWith({ OrderShipped: slow });
    const run = (name: string): Promise<ReadModelRun> =>
      runReadModel(store, model, {
        db: connect(),
        clock,
        leaseMs: 9_000,
        whenCodeChanges: 'rebuild',
        host: { name, holder: name, isGone: () => false },
      });
    const first = await run('first');
    const second = await run('second');
    const states = new Set<string>();
    await clock.until(() => {
      if (first.status().state !== 'live') states.add(second.status().state);
      return first.status().state === 'live';
    });
    assert.ok(handled > 1_000, `it took no longer than a lease: ${handled}`);
    assert.deepEqual([...states], ['standing-by']);
    assert.deepEqual(
      (await rebuilt(store)).map(({ who }) => who),
      ['ann', 'first'],
    );
    for (const each of [first, second]) {
      let isStopped = false;
      const stopping = each[Symbol.asyncDispose]().then(() => (isStopped = true));
      await clock.until(() => isStopped);
      await stopping;
    }
  });
});

/** Lets another process ask again and again. */
function startReading(location: string): {
  readonly seen: (sums: string) => Promise<void>;
  readonly answers: () => Promise<readonly string[]>;
} & Disposable {
  const program = join(import.meta.dirname, 'read-child.ts');
  const child = spawn(process.execPath, ['--conditions=@daybook/source', program, location]);
  const closed = once(child, 'close');
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (said += String(data)));
  const lines = (): readonly string[] => said.trimEnd().split('\n');
  return {
    seen: async (sums) => {
      const hasSeen = (): boolean => lines().at(-1) === sums || child.exitCode !== null;
      await until('the reader has seen it', hasSeen, patienceMs);
    },
    answers: async () => {
      child.stdin.end();
      assert.deepEqual(await closed, [0, null], said);
      return lines();
    },
    [Symbol.dispose]: () => void child.kill(),
  };
}

for (const kind of databaseKinds()) {
  describe(`rebuild on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('O-14 B6 builds from the first event beside the old tables, and readers never see an error, or an empty or half-filled one', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const events = shopEvents(400, seeded(5));
      await appendShop(store, events.slice(0, 900));
      await using run = await runReadModel(store, shopModel(), { db: database.db, pollMs: 5 });
      await run.reached((await store.head()).position ?? position(0n), { timeoutMs: 20_000 });
      const [old, changed] = [shopModel(), shopWith({ OrderShipped: louder })];
      const before = await sumsOf(database.db);
      using reading = startReading(database.location);
      await reading.seen(before);
      const report = await rebuildReadModel(store, changed, { db: database.connect(), reason }).result();
      const afterwards = await sumsOf(database.db);
      assert.notEqual(afterwards, before);
      await reading.seen(afterwards);
      const [shipments] = report.diff;
      assert.deepEqual(
        [shipments?.added, shipments?.removed, Object.keys(shipments?.columns ?? {}).toSorted()],
        [0, 0, ['carrier', 'changes']],
      );
      const { shipments: rows } = await shopRows(database.db);
      assert.ok(JSON.stringify(rows).includes('FEDEX'));
      await switchBack(store, old, { db: database.connect(), reason });
      assert.equal(await sumsOf(database.db), before);
      await reading.seen(before);
      assert.deepEqual(await reading.answers(), [before, afterwards, before]);
      const end = await appendShop(store, events.slice(900));
      await run.reached(end, { timeoutMs: 20_000 });
      const proof = await verifyReadModel(store, old, { db: database.connect() }).result();
      assert.deepEqual([proof.differing, proof.isCodeChanged], [0, false]);
    });

    it('B6 switches back with as many statements for many rows as for few', async () => {
      const counts: number[] = [];
      for (const orders of [5, 500]) {
        await using store = openMemoryStore();
        await using database = await kind.create<ShopTables>();
        await appendShop(store, shopEvents(orders, seeded(6)));
        for (let built = 0; built < 2; built++) {
          await rebuildReadModel(store, shopModel(), { db: database.db, reason, proof: 'none' }).result();
        }
        let statements = 0;
        const db = connectTo<ShopTables>(database.location, () => (statements += 1));
        await switchBack(store, shopModel(), { db, reason });
        await db.destroy();
        counts.push(statements);
      }
      assert.equal(counts[0], counts[1]);
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
      assert.match(JSON.stringify(await rebuilt(store)), /the code of the read model has changed/);
      await switchBack(store, shopModel(), { db: database.connect(), reason });
    });

    it('B6 does not undo the rebuild of newer code: it writes nothing, and waits until it is rebuilt on purpose', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const events = shopEvents(40, seeded(12));
      const end = await appendShop(store, events.slice(0, 60));
      const [old, newer] = [shopModel(), shopWith({ OrderShipped: louder })];
      const start = (model: ReadModel): Promise<ReadModelRun> => {
        const retry = { attempts: 2, firstDelayMs: 1, longestDelayMs: 5 };
        const own = { retry, pollMs: 5, whenCodeChanges: 'rebuild' } as const;
        return runReadModel(store, model, { db: database.connect(), ...own });
      };
      {
        await using run = await start(old);
        await run.reached(end, { timeoutMs: patienceMs });
      }
      {
        await using run = await start(newer);
        const isRebuilt = (): boolean => run.status().state === 'live' && !run.status().needsRebuild;
        await until('it is rebuilt', isRebuilt, patienceMs);
      }
      const before = await shopRows(database.db);
      await appendShop(store, events.slice(60));
      await using run = await start(old);
      await until('it has failed often', () => run.status().failures > 4, patienceMs);
      assert.equal(run.status().state, 'retrying');
      assert.equal((run.status().lastError as { readonly code?: string }).code, 'read-model-superseded');
      assert.deepEqual(await shopRows(database.db), before);
      assert.deepEqual(
        (await rebuilt(store)).map(({ code, replaced }) => [code, replaced]),
        [[newer.code, old.code]],
      );
      await rebuildReadModel(store, old, { db: database.connect(), reason }).result();
      await run.reached((await store.head()).position!, { timeoutMs: patienceMs });
      assert.equal((await verifyReadModel(store, old, { db: database.connect() }).result()).differing, 0);
    });

    it('B6 waits, however long it takes, while somebody else builds the tables by the same code, and goes on with them', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await appendShop(store, shopEvents(30, seeded(13)));
      await rebuildReadModel(store, shopModel(), { db: database.db, reason, proof: 'none' }).result();
      const changed = shopWith({ OrderShipped: louder });
      const retry = { attempts: 2, firstDelayMs: 1, longestDelayMs: 5 };
      const rebuild = rebuildReadModel(store, changed, { db: database.connect(), reason });
      await using ended = new AsyncDisposableStack();
      let run: ReadModelRun | undefined;
      for await (const { done } of rebuild) {
        if (done === 0 || run !== undefined) continue;
        const own = { retry, pollMs: 5, whenCodeChanges: 'rebuild' } as const;
        const waiting = ended.use(await runReadModel(store, changed, { db: database.connect(), ...own }));
        await until('it has failed often', () => waiting.status().failures > 4, patienceMs);
        assert.equal(waiting.status().state, 'retrying');
        assert.equal((waiting.status().lastError as { readonly code?: string }).code, 'rebuild-under-way');
        run = waiting;
      }
      assert.ok(run);
      await until('it is live', () => run?.status().state === 'live', patienceMs);
      assert.equal(run.status().needsRebuild, false);
      assert.equal((await rebuilt(store)).length, 2, 'it has built them once more');
    });

    it('fails, and keeps the old tables, when the changed code comes out differently the second time', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await appendShop(store, shopEvents(30, seeded(8)));
      await rebuildReadModel(store, shopModel(), { db: database.db, reason, proof: 'none' }).result();
      const before = await shopRows(database.db);
      const model = shopWith({ ShipmentEmailSent: forgetful });
      await using run = await runReadModel(store, model, { db: database.db, pollMs: 5, whenCodeChanges: 'rebuild' });
      await until('it has failed', () => run.status().state === 'failed', patienceMs);
      await assert.rejects(run.finished, { code: 'rebuild-not-proven' });
      assert.deepEqual(await shopRows(database.db), before);
    });

    it('has nothing to switch back where it never ran', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      const [options, nothing] = [{ db: database.db, reason }, { code: 'nothing-to-switch-back' }];
      await assert.rejects(findPrevious(shopModel(), options), nothing);
      await assert.rejects(switchBack(store, shopModel(), options), nothing);
    });

    it('makes its own tables once, however many ask for them first', async () => {
      await using database = await kind.create<ShopTables>();
      const asking = Array.from({ length: 8 }, () => findPrevious(shopModel(), { db: database.db }));
      for (const answer of await Promise.allSettled(asking)) {
        assert.equal(answer.status === 'rejected' && answer.reason.code, 'nothing-to-switch-back');
      }
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
