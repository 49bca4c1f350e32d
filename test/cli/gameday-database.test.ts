import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { Kysely } from 'kysely';

import { emptied, keep, putBack, refuseFilled } from '../../packages/cli/src/gameday/database.ts';
import { databaseKinds } from '../read-model/databases.ts';
import { newFolder } from './support/folder.ts';
import { runCli } from './support/run-cli.ts';

interface Tables {
  readonly parcels: { readonly stream: string; readonly carrier: string | null };
  readonly carriers: { readonly id: string };
}

/** A table that refers to another, which is made first but comes later by name, and the other way round. */
async function filled(db: Kysely<Tables>): Promise<void> {
  await db.schema
    .createTable('carriers')
    .addColumn('id', 'varchar(40)', (column) => column.primaryKey())
    .execute();
  await db.schema
    .createTable('parcels')
    .addColumn('stream', 'varchar(100)', (column) => column.primaryKey())
    .addColumn('carrier', 'varchar(40)', (column) => column.references('carriers.id'))
    .execute();
  await db
    .insertInto('carriers')
    .values([{ id: 'ups' }, { id: 'dhl' }])
    .execute();
  await db.insertInto('parcels').values({ stream: 'a', carrier: 'ups' }).execute();
}

/** Those that do most to a database. */
const scenarios = ['crash-at-statement', 'kill', 'lost-database', 'restore-tables', 'restore-log'];

const rowsOf = async (db: Kysely<Tables>): Promise<readonly unknown[]> => [
  await db.selectFrom('carriers').selectAll().orderBy('id').execute(),
  await db.selectFrom('parcels').selectAll().orderBy('stream').execute(),
];

for (const kind of databaseKinds()) {
  describe(`the scratch database of a game day on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('B10 is put back to a copy of its tables, also of those that refer to each other, and emptied in the end', async () => {
      await using database = await kind.create<Tables>();
      const db = database.db as unknown as Kysely<never>; // As a game day has it, which knows no tables.
      await refuseFilled(db, 'parcels');
      await filled(database.db);
      await assert.rejects(refuseFilled(db, 'parcels'), { code: 'scratch-not-empty', message: /carriers, parcels/ });
      const before = await rowsOf(database.db);
      await keep(db);
      await database.db.insertInto('parcels').values({ stream: 'b', carrier: 'dhl' }).execute();
      await database.db.updateTable('parcels').set({ carrier: null }).where('stream', '=', 'a').execute();
      await database.db.deleteFrom('carriers').where('id', '=', 'ups').execute();
      await putBack(db);
      assert.deepEqual(await rowsOf(database.db), before);
      const names = (await db.introspection.getTables()).map(({ name }) => name);
      assert.deepEqual(names.toSorted(), ['carriers', 'parcels']);
      await emptied(db);
      assert.deepEqual(await db.introspection.getTables(), []);
    });

    // Many processes: in CI is enough.
    if (kind.name === 'SQLite' || process.env['CI'] !== 'true') return;

    it('B10 is what a game day is played in, and the database of the service is not opened', async () => {
      using folder = newFolder();
      await using database = await kind.create();
      const config = fileURLToPath(new URL('support/gameday-postgres.config.ts', import.meta.url));
      const played = await runCli(['gameday', ...scenarios, '--config', config, '--events', '100'], {
        cwd: folder.path,
        env: { SCRATCH_DATABASE: database.location },
        timeoutMs: 300_000,
      });
      assert.equal(played.code, 0, played.stderr);
      assert.match(played.stderr, /5 scenarios: 5 held/);
    });
  });
}
