import { DatabaseSync } from 'node:sqlite';

import { Kysely } from 'kysely';

import { nodeSqliteDialect } from './node-sqlite-dialect.ts';
import type { UntypedTables } from './read-model.ts';

/** A new SQLite database in memory, for tests. `destroy` ends it. */
export function memoryDatabase<Tables = UntypedTables>(): Kysely<Tables> {
  return sqliteDatabase(':memory:');
}

/** The SQLite database in a file, which is made when it is not there. `destroy` closes it. */
export function sqliteDatabase<Tables = UntypedTables>(path: string): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: nodeSqliteDialect(new DatabaseSync(path)) });
}
