import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import type { EventStore, Position } from 'daybook';
import { openMemoryStore } from 'daybook/memory';
import { pgDialect, runReadModel, type ReadModel } from 'daybook/read-model';
import * as fc from 'fast-check';
import { Kysely, sql, type Transaction } from 'kysely';

import { databaseKinds, listeningPool } from './databases.ts';
import { appendNotes, note, notesModel, numberOf, type NoteTables } from './notes.ts';

type Tx = Transaction<NoteTables>;

/** Which event wrote each row last. */
async function positionsOf(db: Kysely<NoteTables>): Promise<unknown> {
  const at = sql<string>`_position`.as('at');
  return db.selectFrom('notes').select(['id', at]).orderBy('id').execute();
}

async function rowsAfter(db: Kysely<NoteTables>, store: EventStore, model: ReadModel, end: Position): Promise<unknown> {
  await using run = await runReadModel(store, model, { db });
  await run.reached(end, { timeoutMs: 20_000 });
  return db.selectFrom('notes').select(['id', 'text', 'number']).orderBy('id').execute();
}

const many = Array.from({ length: 300 }, () => 'Noted' as const);

for (const kind of databaseKinds()) {
  if (kind.name !== 'PostgreSQL') continue;
  describe('handlers whose statements do not wait for each other', { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('O-10 are called before the one before is answered, and their statements keep the order of the log', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<NoteTables>();
      let running = 0;
      let most = 0;
      const model = notesModel(async (event, tx) => {
        running += 1;
        most = Math.max(most, running);
        await note(tx, 'all', `${numberOf(event)} `);
        running -= 1;
      });
      const end = await appendNotes(store, many);
      const rows = await rowsAfter(database.db, store, model, end);
      assert.deepEqual(rows, [{ id: 'all', text: `${many.map((_, index) => index).join(' ')} `, number: many.length }]);
      assert.ok(most > 1 && most < 200, `${most} at once`);
      assert.deepEqual(await positionsOf(database.db), [{ id: 'all', at: `${end}` }]);
    });

    it('are called again in order when one has more to say than those before it', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<NoteTables>();
      const calls: number[] = [];
      const model = notesModel(async (event, tx) => {
        const number = numberOf(event);
        calls.push(number);
        await note(tx, 'all', `${number} `);
        // What it throws is of no importance: somebody else's plugin may swallow it, too.
        if (number === 200) await note(tx, 'all', 'again ').catch(() => {});
      });
      const rows = await rowsAfter(database.db, store, model, await appendNotes(store, many));
      const text = many.map((_, index) => (index === 200 ? '200 again ' : `${index} `)).join('');
      assert.deepEqual(rows, [{ id: 'all', text, number: many.length + 1 }]);
      assert.equal(calls.filter((number) => number === 0).length, 2, 'the batch was begun twice');
    });

    it('see what the events before them have written', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<NoteTables>();
      const model = notesModel(async (event, tx) => {
        const row = await tx.selectFrom('notes').select('number').where('id', '=', 'all').executeTakeFirst();
        assert.equal(row?.number ?? 0, numberOf(event));
        await note(tx, 'all', '.');
      });
      const rows = await rowsAfter(database.db, store, model, await appendNotes(store, many));
      assert.deepEqual(rows, [{ id: 'all', text: '.'.repeat(many.length), number: many.length }]);
    });

    it('that fail are named, with what the database said, and the events before them are in the tables', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<NoteTables>();
      const called = new Set<number>();
      const model = notesModel(async (event, tx) => {
        called.add(numberOf(event));
        await note(tx, numberOf(event) === 123 ? 'x'.repeat(41) : 'all', '.');
      });
      await appendNotes(store, many);
      await using run = await runReadModel(store, model, { db: database.db, retry: { attempts: 1 } });
      await assert.rejects(run.finished, (error: Error & { readonly event?: { readonly revision: bigint } }) => {
        assert.match(error.message, /value too long/);
        assert.equal(error.event?.revision, 123n);
        return true;
      });
      assert.ok(called.has(124), 'the next one was called before it was known');
      const rows = await database.db.selectFrom('notes').select('number').execute();
      assert.deepEqual(rows, [{ number: 123 }]);
    });

    it('R14 that never return are given up while others wait behind, and refused when they come back', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<NoteTables>();
      const gone = Promise.withResolvers<void>();
      const later = Promise.withResolvers<unknown>();
      const model = notesModel(async (event, tx) => {
        await note(tx, 'all', '.');
        if (numberOf(event) !== 250) return;
        await gone.promise;
        await note(tx, 'all', 'late').catch(later.resolve);
      }, 200);
      await appendNotes(store, many);
      await using run = await runReadModel(store, model, { db: database.db, retry: { attempts: 1 } });
      await assert.rejects(run.finished, (error: Error & { readonly event?: { readonly revision: bigint } }) => {
        assert.match(error.message, /did not return within 200 ms/);
        assert.equal(error.event?.revision, 250n);
        return true;
      });
      gone.resolve();
      assert.match(String(await later.promise), /did not return within 200 ms/);
      const rows = await database.db.selectFrom('notes').select(['text', 'number']).execute();
      assert.deepEqual(rows, [{ text: '.'.repeat(250), number: 250 }]);
    });

    it('O-10 make the rows that they make one after the other, whatever they do', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.constantFrom('Noted' as const, 'Other' as const), { minLength: 1, maxLength: 60 }),
          fc.array(fc.record({ statements: fc.integer({ min: 0, max: 3 }), way: fc.constantFrom(...ways) }), {
            minLength: 1,
            maxLength: 12,
          }),
          async (types, plans) => {
            await using store = openMemoryStore();
            const end = await appendNotes(store, types);
            const model = notesModel(async (event, tx) => {
              const plan = plans[numberOf(event) % plans.length];
              if (plan !== undefined) await followPlan(tx, numberOf(event), plan);
            });
            await using database = await kind.create<NoteTables>();
            const db = new Kysely<NoteTables>({
              dialect: pgDialect(listeningPool({ connectionString: database.location })),
            });
            const inOrder = [await rowsAfter(db, store, model, end), await positionsOf(db)];
            await db.destroy();
            await using other = await kind.create<NoteTables>();
            const ahead = [await rowsAfter(other.db, store, model, end), await positionsOf(other.db)];
            assert.deepEqual(ahead, inOrder);
          },
        ),
        { numRuns: 8 },
      );
    });
  });
}

const ways = ['one after the other', 'together', 'after a look', 'late'] as const;

interface Plan {
  readonly statements: number;
  readonly way: (typeof ways)[number];
}

async function followPlan(tx: Tx, number: number, { statements, way }: Plan): Promise<void> {
  const texts = Array.from({ length: statements }, (_, index) => `${number}.${index} `);
  const ids = ['all', `of ${number}`, 'all']; // The second goes to a row of its own.
  if (way === 'together') {
    await Promise.all(texts.map((text, index) => note(tx, ids[index] ?? 'all', text)));
    return;
  }
  if (way === 'late') await new Promise((resolve) => setImmediate(resolve));
  for (const [index, text] of texts.entries()) {
    const row =
      way === 'after a look'
        ? await tx.selectFrom('notes').selectAll().where('id', '=', 'all').executeTakeFirst()
        : undefined;
    await note(tx, ids[index] ?? 'all', row === undefined ? text : `${row.number}:${text}`);
  }
}
