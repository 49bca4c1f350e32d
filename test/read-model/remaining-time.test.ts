import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { readStatus } from 'daybook/consumer';
import { openMemoryStore } from 'daybook/memory';
import { readModel, rebuildReadModel, runReadModel, type Progress, type ReadModelRun } from 'daybook/read-model';
import { SimulatedClock } from 'daybook/testing';
import { sql, type Kysely } from 'kysely';

import { seeded } from './random.ts';
import { appendShop, shopEvents, shopModel, shopOptions, type ShopHandler, type ShopTables } from './shop.ts';
import { SimulatedDatabase } from './simulated-database.ts';

const eachMs = 100;
const events = 1_000;

const broken: ShopHandler = () => {
  throw new Error('It is broken.');
};

/** A run that is stopped while its clock goes on. */
async function running(clock: SimulatedClock, starting: Promise<ReadModelRun>): Promise<AsyncDisposable> {
  const run = await starting;
  return {
    async [Symbol.asyncDispose]() {
      let isOver = false;
      const ending = run[Symbol.asyncDispose]().then(() => (isOver = true));
      await clock.until(() => isOver);
      await ending;
    },
  };
}

describe('the time that a read model says it still needs', () => {
  it('O-12 is right after a tenth of the way, with its place and its rate, while it runs', async () => {
    const clock = new SimulatedClock();
    await using store = openMemoryStore({ now: () => clock.now() });
    using database = new SimulatedDatabase({ random: () => clock.random() });
    const { db } = database.connect<ShopTables>(() => {});
    const slow: ShopHandler = () => clock.sleep(eachMs);
    const on = Object.fromEntries(Object.keys(shopOptions().on).map((type) => [type, slow]));
    const model = readModel('shop', { ...shopOptions(), on });
    await appendShop(store, shopEvents(500, seeded(51)).slice(0, events));
    await using _ = await running(clock, runReadModel(store, model, { db, clock, batchSize: 10 }));
    await clock.advance((events / 10) * eachMs + 500);
    const { state, ratePerSecond = 0, etaMs = 0, sources } = (await readStatus(store, 'shop')) ?? { sources: [] };
    const lag = sources.reduce((sum, { lagEvents }) => sum + lagEvents, 0);
    assert.equal(state, 'catching-up');
    assert.ok(lag < events * 0.95 && lag > events * 0.8, `${lag} events behind`);
    assert.ok(Math.abs(ratePerSecond / (1_000 / eachMs) - 1) < 0.2, `${ratePerSecond} a second`);
    assert.ok(Math.abs(etaMs / (lag * eachMs) - 1) < 0.2, `${etaMs} ms for ${lag} events`);
  });

  it('says since when it fails, not when it failed last', async () => {
    const clock = new SimulatedClock();
    await using store = openMemoryStore({ now: () => clock.now() });
    using database = new SimulatedDatabase({ random: () => clock.random() });
    const { db } = database.connect<ShopTables>(() => {});
    const model = readModel('shop', { ...shopOptions(), on: { ...shopOptions().on, AwaitingShipment: broken } });
    const began = clock.now();
    await appendShop(store, shopEvents(1, seeded(52)));
    await using _ = await running(clock, runReadModel(store, model, { db, clock, retry: { attempts: 1_000 } }));
    await clock.advance(100_000);
    const { attempts = 0, failingSince, since } = (await readStatus(store, 'shop')) ?? {};
    assert.ok(attempts > 3, `${attempts} attempts`);
    assert.ok(Date.parse(failingSince ?? '') - began < 1_000, `since ${failingSince}`);
    assert.ok(since !== undefined && since >= (failingSince ?? ''));
  });

  it('O-12 is right after a tenth of a rebuild: as many events as it reckons with are left', async () => {
    await using store = openMemoryStore();
    using database = new SimulatedDatabase({ random: seeded(1) });
    const db: Kysely<ShopTables> = database.connect<ShopTables>(() => {}).db;
    const all = shopEvents(2_500, seeded(53));
    await appendShop(store, all);
    const steps: Progress[] = [];
    const options = { db, reason: { who: 'ann', why: 'a test' }, proof: 'none' } as const;
    for await (const step of rebuildReadModel(store, shopModel(), options)) {
      if (step.phase === 'folding') steps.push(step);
    }
    const tenth = steps.find(({ done }) => done >= all.length / 10);
    assert.ok(tenth !== undefined && tenth.done < all.length / 5);
    const left = ((tenth.remainingMs ?? 0) / 1_000) * tenth.perSecond;
    assert.ok(Math.abs(left / (all.length - tenth.done) - 1) < 0.2, `${left} of ${all.length} events`);
    assert.equal(steps.at(-1)?.done, all.length);
    const { rows } = await sql<{ orders: number }>`SELECT COUNT(*) AS orders FROM shipments`.execute(db);
    assert.ok(Number(rows[0]?.orders) > 1_000);
  });
});
