import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import { rebuildReadModel, repairReadModel, runReadModel, verifyReadModel } from 'daybook/read-model';
import { openSqliteStore } from 'daybook/sqlite';

import { size } from '../size.ts';
import { databaseKindsOfLongTests, type DatabaseKind, type TestDatabase } from './databases.ts';
import { seeded } from './random.ts';
import { foldOrder, storiesOf } from './shop-oracle.ts';
import { appendShop, shopEvents, shopModel, shopRows, type ShopTables } from './shop.ts';

const reason = { who: 'ann', why: 'a test' };
const verbs = ['in-place', 'beside', 'rebuild'] as const;
const kills = size(2, { parts: 2 });

interface Mended {
  readonly statements: number;
  /** Which of them changed or dropped tables. */
  readonly tables: readonly number[];
}

/** Lets a process do it, and gives what it said, or that it was killed. */
async function life(words: readonly string[]): Promise<Mended | 'killed'> {
  const program = join(import.meta.dirname, 'mend-child.ts');
  const child = spawn(process.execPath, ['--conditions=@daybook/source', program, ...words]);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (said += String(data)));
  const [code, signal]: readonly unknown[] = await once(child, 'close');
  if (signal === 'SIGKILL') return 'killed';
  assert.equal(code, 0, said);
  return JSON.parse(said) as Mended; // Written by mend-child.ts.
}

/** A log in a file, and tables that lack events at the end and have some rows wrong. */
async function spoiled(kind: DatabaseKind, log: string): Promise<TestDatabase<ShopTables>> {
  await using store = await openSqliteStore(log);
  const database = await kind.create<ShopTables>();
  const events = shopEvents(60, seeded(41));
  const end = await appendShop(store, events.slice(0, 120));
  {
    await using run = await runReadModel(store, shopModel(), { db: database.db });
    await run.reached(end, { timeoutMs: 20_000 });
  }
  await appendShop(store, events.slice(120));
  await database.db.updateTable('shipments').set({ paid: -7_000 }).where('order_id', 'like', '%1').execute();
  await database.db.deleteFrom('shipments').where('order_id', 'like', '%2').execute();
  await database.db.updateTable('carriers').set({ parcels: 0 }).execute();
  return database;
}

/**
 * After which statements it is killed: one of each part of the way, and some of those where tables change places. None is
 * the last, since another life may take a few statements less: what is told of its progress depends on the time.
 */
function momentsIn({ statements, tables }: Mended, random: () => number): readonly number[] {
  const parts = Array.from({ length: kills }, (_, index) => 1 + ((index + random()) / kills) * (statements - 5));
  const first = Math.floor(random() * tables.length);
  const changes = [...tables.slice(first), ...tables.slice(0, first)].slice(0, kills);
  return [...parts.map(Math.floor), ...changes];
}

for (const kind of databaseKindsOfLongTests()) {
  describe(`a process that mends a read model and is killed on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    for (const verb of verbs) {
      it(`B4 B6 ends the same when it is killed inside of a step and begun again: ${verb}`, async (t) => {
        const seed = Number(process.env['DAYBOOK_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
        t.diagnostic(`DAYBOOK_SEED=${seed}`);
        const random = seeded(seed);
        const folder = await mkdtemp(join(tmpdir(), 'daybook-mend-'));
        const log = join(folder, 'log.db');
        try {
          await using database = await spoiled(kind, log);
          await using store = await openSqliteStore(log);
          await using whole = await database.copy();
          const mended = await life([log, whole.location, verb]);
          assert.ok(mended !== 'killed' && mended.statements > 100);
          const expected = await shopRows(whole.db);
          const stories = [...(await storiesOf(store)).values()];
          assert.deepEqual(
            expected['shipments'],
            stories.flatMap((events) => foldOrder(events) ?? []).toSorted((a, b) => (a.order_id < b.order_id ? -1 : 1)),
          );
          for (const last of momentsIn(mended, random)) {
            const where: string = `killed after statement ${last} of ${mended.statements}, seed ${seed}`;
            await using copy = await database.copy();
            assert.equal(await life([log, copy.location, verb, String(last)]), 'killed', where);
            const [model, options] = [shopModel(), { db: copy.db, reason }];
            if (verb === 'rebuild') await rebuildReadModel(store, model, options).result();
            else {
              const inPlaceAtMost = verb === 'beside' ? 0 : 10_000;
              await repairReadModel(store, model, { ...options, inPlaceAtMost }).result();
            }
            assert.deepEqual(await shopRows(copy.db), expected, where);
            const { differing, rows } = await verifyReadModel(store, model, options).result();
            assert.deepEqual([differing, rows > 0], [0, true], where);
          }
        } finally {
          await rm(folder, { recursive: true, force: true });
        }
      });
    }
  });
}
