import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { openMemoryStore } from 'daybook/memory';
import { memoryDatabase, readModel, runReadModel, type ReadModel } from 'daybook/read-model';
import type { Kysely } from 'kysely';

import { size } from '../size.ts';
import { seeded } from './random.ts';
import {
  appendShop,
  dataOf,
  shopEvents,
  shopModel,
  shopOptions,
  shopRows,
  type ShopEvent,
  type ShopTables,
} from './shop.ts';

const schedules = size(400, { parts: 4 });

const inOrders = shopEvents(8, seeded(11)).filter(({ stream }) => stream.startsWith('CustomerOrder-'));

/** The same events in another order; those of one stream keep theirs. */
function shuffled(random: () => number): readonly ShopEvent[] {
  const waiting = [...Map.groupBy(inOrders, ({ stream }) => stream).values()].map((events) => [...events]);
  const mixed: ShopEvent[] = [];
  while (waiting.length > 0) {
    const at = Math.floor(random() * waiting.length);
    const next = waiting[at]?.shift();
    if (next === undefined) waiting.splice(at, 1);
    else mixed.push(next);
  }
  return mixed;
}

/** One statement in twenty fails. */
function unreliable(db: Kysely<ShopTables>, random: () => number): Kysely<ShopTables> {
  return db.withPlugin({
    transformQuery: ({ node }) => {
      if (random() < 0.05) throw new Error('This statement was made to fail.');
      return node;
    },
    transformResult: async ({ result }) => result,
  });
}

/** What the tables hold in the end, without where they were written last: that depends on the order. */
async function played(model: ReadModel, seed: number): Promise<string> {
  const random = seeded(seed);
  const events = shuffled(random);
  await using store = openMemoryStore();
  await using db = memoryDatabase<ShopTables>();
  for (let done = 0; done < events.length;) {
    const next = Math.min(events.length, done + 1 + Math.floor(random() * events.length));
    const retry = { attempts: 1_000, firstDelayMs: 1, longestDelayMs: 1 };
    const options = { batchSize: 1 + Math.floor(random() * 10), retry, random };
    await using run = await runReadModel(store, model, { db: unreliable(db, random), ...options });
    const end = await appendShop(store, events.slice(done, next)); // While it runs, and it is stopped behind them.
    await run.reached(end, { timeoutMs: 60_000 });
    done = next;
  }
  return JSON.stringify(await shopRows(db), (name, value: unknown) => (name === '_position' ? undefined : value));
}

describe('a read model in random schedules', () => {
  it(`B10 has the same rows in ${schedules} schedules, when it depends on nothing but its events`, async () => {
    const expected = await played(shopModel(), 1);
    for (let seed = 2; seed <= schedules; seed++)
      assert.equal(await played(shopModel(), seed), expected, `seed ${seed}`);
  });

  it('B10 has other rows in one of the first, when a handler swallows an error', async () => {
    const options = shopOptions();
    const swallowing = readModel('shop', {
      ...options,
      on: {
        ...options.on,
        ShipmentEmailSent: (event, tx) =>
          tx
            .updateTable('shipments')
            .set({ mails: 1 })
            .where('order_id', '=', dataOf(event).order_id)
            .execute()
            .catch(() => {}),
      },
    });
    const rows = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) rows.add(await played(swallowing, seed));
    assert.ok(rows.size > 1);
  });
});
