import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { pgDialect } from 'daybook/read-model';
import { Kysely, sql } from 'kysely';

import { databaseKinds, listeningPool } from './databases.ts';

interface Tables {
  readonly rows: { readonly id: number; readonly text: string };
}

/** A database over one connection, so that what it keeps can be looked at. */
async function over(
  location: string,
  settings: { readonly pipeline: boolean },
): Promise<{ readonly db: Kysely<Tables> } & AsyncDisposable> {
  const pool = listeningPool({ connectionString: location, max: 1, ...settings });
  const db = new Kysely<Tables>({ dialect: pgDialect(pool) });
  await sql`CREATE TABLE IF NOT EXISTS rows (id integer PRIMARY KEY, text text NOT NULL)`.execute(db);
  return { db, [Symbol.asyncDispose]: () => db.destroy() };
}

async function prepared(db: Kysely<Tables>): Promise<readonly string[]> {
  const { rows } = await sql<{ text: string }>`SELECT statement AS text FROM pg_prepared_statements`.execute(db);
  return rows.map(({ text }) => text);
}

async function session(db: Kysely<Tables>): Promise<number | undefined> {
  return (await sql<{ port: number }>`SELECT inet_client_port() AS port`.execute(db)).rows[0]?.port;
}

for (const kind of databaseKinds()) {
  if (kind.name !== 'PostgreSQL') continue;
  describe('the dialect for pg', { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    for (const pipeline of [true, false]) {
      const which = pipeline ? 'a pipelined pool' : 'a pool';

      it(`prepares what is written again, and nothing that gives rows, on ${which}`, async () => {
        await using database = await kind.create<Tables>();
        await using opened = await over(database.location, { pipeline });
        const { db } = opened;
        for (const id of [1, 2, 3, 4]) {
          const { numInsertedOrUpdatedRows } = await db
            .insertInto('rows')
            .values({ id, text: 'a' })
            .executeTakeFirstOrThrow();
          assert.equal(numInsertedOrUpdatedRows, 1n);
          await db
            .insertInto('rows')
            .values({ id: id + 10, text: 'b' })
            .returningAll()
            .execute();
          await db.selectFrom('rows').selectAll().where('id', '=', id).execute();
        }
        assert.deepEqual(await prepared(db), ['insert into "rows" ("id", "text") values ($1, $2)']);
      });

      it(`reads tables that have another column by now, on ${which}`, async () => {
        await using database = await kind.create<Tables>();
        await using opened = await over(database.location, { pipeline });
        const { db } = opened;
        const look = (): Promise<unknown> => db.selectFrom('rows').selectAll().where('id', '=', 1).execute();
        const write = (): Promise<unknown> =>
          db
            .insertInto('rows')
            .values({ id: 1, text: 'a' })
            .onConflict((conflict) => conflict.column('id').doUpdateSet({ text: 'b' }))
            .execute();
        for (const _ of [1, 2, 3]) await write();
        for (const _ of [1, 2, 3]) await look();
        await sql`ALTER TABLE rows ADD COLUMN more text`.execute(db);
        await write();
        assert.deepEqual(await look(), [{ id: 1, text: 'b', more: null }]);
      });

      it(`goes on after a statement that was refused in a transaction, on ${which}`, async () => {
        await using database = await kind.create<Tables>();
        await using opened = await over(database.location, { pipeline });
        const { db } = opened;
        const insert = (id: number): Promise<unknown> => db.insertInto('rows').values({ id, text: 'a' }).execute();
        await insert(1);
        await assert.rejects(
          db.transaction().execute(async (tx) => {
            // The second is the one that is prepared.
            await tx.insertInto('rows').values({ id: 1, text: 'a' }).execute();
          }),
          /duplicate key/,
        );
        await insert(2);
        await insert(3);
        assert.equal((await db.selectFrom('rows').selectAll().execute()).length, 3);
      });

      it(`takes a new connection when one has prepared all that it may, on ${which}`, async () => {
        await using database = await kind.create<Tables>();
        await using opened = await over(database.location, { pipeline });
        const { db } = opened;
        const first = await session(db);
        for (let text = 0; text < 201; text++) {
          for (const id of [1, 2]) await sql`delete from rows where id = ${id} and ${sql.lit(text)} > 0`.execute(db);
        }
        assert.notEqual(await session(db), first);
        assert.ok((await prepared(db)).length < 200);
      });
    }
  });
}
