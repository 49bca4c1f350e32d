import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { openMemoryStore } from 'daybook/memory';
import { pgDialect, runReadModel, type ReadModel } from 'daybook/read-model';
import { Kysely, PostgresDialect, sql, type Dialect } from 'kysely';
import type { Pool } from 'pg';

import { until } from '../services/until.ts';
import { databaseKinds, listeningPool, type DatabaseKind } from './databases.ts';
import { appendNotes, note, notesModel, numberOf, type NoteTables } from './notes.ts';

/** A way to a database of a kind. */
interface Way {
  readonly name: string;
  readonly kind: DatabaseKind;
  readonly dialect?: (location: string) => Dialect;
}

function pool(connectionString: string, settings: { readonly pipeline?: true } = {}): Pool {
  return listeningPool({ connectionString, max: 4, ...settings });
}

const ways: readonly Way[] = databaseKinds().flatMap((kind): readonly Way[] => {
  if (kind.name === 'SQLite') return [{ name: 'SQLite', kind }];
  const ahead: Way = { name: 'PostgreSQL', kind, dialect: (url) => pgDialect(pool(url, { pipeline: true })) };
  if (process.env['CI'] !== 'true') return [ahead];
  return [
    ahead,
    { name: 'PostgreSQL, one statement at a time', kind, dialect: (url) => pgDialect(pool(url)) },
    { name: "PostgreSQL, by Kysely's dialect", kind, dialect: (url) => new PostgresDialect({ pool: pool(url) }) },
  ];
});

/** A database over a way to it. */
async function over(way: Way): Promise<{ readonly db: Kysely<NoteTables> } & AsyncDisposable> {
  const database = await way.kind.create<NoteTables>();
  const db =
    way.dialect === undefined ? database.db : new Kysely<NoteTables>({ dialect: way.dialect(database.location) });
  return {
    db,
    async [Symbol.asyncDispose]() {
      if (db !== database.db) await db.destroy();
      await database[Symbol.asyncDispose]();
    },
  };
}

const notes = (count: number): readonly 'Noted'[] => Array.from({ length: count }, () => 'Noted');
const tooLong = 'x'.repeat(41);

/** Runs the model until it has failed, and gives which event it names, and what it says. */
async function failureOf(
  db: Kysely<NoteTables>,
  model: ReadModel,
  count: number,
): Promise<{ readonly revision: bigint | undefined; readonly message: string }> {
  await using store = openMemoryStore();
  await appendNotes(store, notes(count));
  await using run = await runReadModel(store, model, { db, retry: { attempts: 2, firstDelayMs: 1 } });
  const error = await run.finished.then(
    () => assert.fail('it has not failed'),
    (reason: Error & { readonly event?: { readonly revision: bigint } }) => reason,
  );
  return { revision: error.event?.revision, message: error.message };
}

async function texts(db: Kysely<NoteTables>): Promise<readonly string[]> {
  return (await db.selectFrom('notes').select('text').orderBy('id').execute()).map(({ text }) => text);
}

after(() => Promise.all(ways.map(({ kind }) => kind[Symbol.asyncDispose]())));

for (const way of ways) {
  describe(`handlers that fail, on ${way.name}`, { skip: way.kind.skip }, () => {
    it('R14: leave nothing behind of what they sent together with what failed', async () => {
      await using opened = await over(way);
      const { db } = opened;
      const model = notesModel(async (event, tx) => {
        await note(tx, 'all', `${numberOf(event)} `);
        if (numberOf(event) < 3) return;
        const bad = tx.insertInto('notes').values({ id: 'all', text: '', number: 0 }).execute(); // It is there already.
        await Promise.all([bad, ...['a', 'b', 'c', 'd'].map((id) => note(tx, id, 'left behind'))]);
      });
      const { revision, message } = await failureOf(db, model, 6);
      assert.equal(revision, 3n);
      assert.match(message, /duplicate key|UNIQUE/);
      assert.deepEqual(await texts(db), ['0 1 2 ']);
    });

    it('R14: are named at once, though one that was called after them hangs', async () => {
      await using opened = await over(way);
      const gone = Promise.withResolvers<void>();
      const model = notesModel(async (event, tx) => {
        if (numberOf(event) === 5) await tx.insertInto('notes').values({ id: 'all', text: '', number: 0 }).execute();
        if (numberOf(event) > 5) await gone.promise;
        await note(tx, 'all', `${numberOf(event)} `);
      });
      const { revision, message } = await failureOf(opened.db, model, 20);
      gone.resolve();
      assert.equal(revision, 5n);
      assert.match(message, /duplicate key|UNIQUE/);
      assert.deepEqual(await texts(opened.db), ['0 1 2 3 4 ']);
    });

    it('R14: are named when a value of theirs cannot be bound, and those before them are in the tables', async () => {
      await using opened = await over(way);
      const model = notesModel(async (event, tx) => {
        const value: unknown = { number: 1n };
        await note(tx, 'all', numberOf(event) === 5 ? (value as string) : `${numberOf(event)} `);
      });
      const { revision, message } = await failureOf(opened.db, model, 20);
      assert.equal(revision, 5n);
      assert.match(message, /BigInt|bound/);
      assert.deepEqual(await texts(opened.db), ['0 1 2 3 4 ']);
    });

    it('R14: are refused what they do after they have returned', async () => {
      await using opened = await over(way);
      await using store = openMemoryStore();
      const gone = Promise.withResolvers<void>();
      const later: Promise<void>[] = [];
      const model = notesModel(async (event, tx) => {
        await note(tx, 'all', `${numberOf(event)} `);
        later.push(gone.promise.then(() => note(tx, 'all', 'late')));
      });
      const end = await appendNotes(store, notes(3));
      await using run = await runReadModel(store, model, { db: opened.db });
      await run.reached(end, { timeoutMs: 20_000 });
      gone.resolve();
      for (const each of later) await assert.rejects(each, /must await all that it does/);
      assert.deepEqual(await texts(opened.db), ['0 1 2 ']);
    });

    if (way.kind.name === 'SQLite') return; // A statement that fails does not end its transaction.

    for (const [what, count] of [
      ['', 20],
      [', at the end of a batch', 6],
    ] as const) {
      it(`R14: are named when they keep to themselves that a statement has failed${what}`, async () => {
        await using opened = await over(way);
        const model = notesModel(async (event, tx) => {
          await note(tx, numberOf(event) === 5 ? tooLong : 'all', `${numberOf(event)} `).catch(() => {});
        });
        const { revision, message } = await failureOf(opened.db, model, count);
        assert.equal(revision, 5n);
        assert.match(message, /value too long/);
        assert.deepEqual(await texts(opened.db), ['0 1 2 3 4 ']);
      });
    }

    it('go on when they have set a savepoint', async () => {
      await using opened = await over(way);
      await using store = openMemoryStore();
      const model = notesModel(async (event, tx) => {
        await sql`SAVEPOINT before`.execute(tx);
        try {
          await note(tx, numberOf(event) % 3 === 2 ? tooLong : 'all', `${numberOf(event)} `);
        } catch {
          await sql`ROLLBACK TO SAVEPOINT before`.execute(tx);
          await note(tx, 'all', `(${numberOf(event)}) `);
        }
      });
      const end = await appendNotes(store, notes(9));
      await using run = await runReadModel(store, model, { db: opened.db });
      await run.reached(end, { timeoutMs: 20_000 });
      assert.equal(run.status().failures, 0);
      assert.deepEqual(await texts(opened.db), ['0 1 (2) 3 4 (5) 6 7 (8) ']);
    });

    it('R14: that wait for a lock, and are given up, do not write what they had asked for besides', async () => {
      await using opened = await over(way);
      await using store = openMemoryStore();
      const { db } = opened;
      let isMended = false;
      const model = notesModel(async (event, tx) => {
        if (isMended || numberOf(event) < 3) return note(tx, 'all', `${numberOf(event)} `);
        const waiting = sql`SELECT pg_advisory_xact_lock(1)`.execute(tx);
        return Promise.all([waiting, ...['a', 'b', 'c'].map((id) => note(tx, id, 'left behind'))]);
      }, 50);
      const end = await appendNotes(store, notes(6));
      await using run = await db.transaction().execute(async (tx) => {
        await sql`SELECT pg_advisory_xact_lock(1)`.execute(tx);
        const started = await runReadModel(store, model, { db, pollMs: 5, retry: { firstDelayMs: 1 } });
        const says = /Noted 3@Note-1 .*did not return within 50 ms.*still waits/;
        await until('it says what fails', () => says.test(String(started.status().lastError)));
        isMended = true;
        return started;
      });
      await run.reached(end, { timeoutMs: 20_000 });
      assert.deepEqual(await texts(db), ['0 1 2 3 4 5 ']);
    });
  });
}
