import type { DatabaseSync } from 'node:sqlite';

import { SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, type Dialect } from 'kysely';

import { NodeSqliteDriver } from './node-sqlite-connection.ts';

/**
 * Kysely's dialect for the database of `node:sqlite`, handed in open. Whole numbers beyond 2^53 come as `bigint`, all
 * others as `number`; `true` and `false` are bound as 1 and 0. A transaction takes the write lock when it begins, unless
 * it is `read only`. While another connection has it, this one waits without stopping the event loop, for 10 s at most.
 *
 * ```ts
 * const db = new Kysely<Tables>({ dialect: nodeSqliteDialect(new DatabaseSync('shipments.db')) });
 * ```
 */
export function nodeSqliteDialect(database: DatabaseSync): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new NodeSqliteDriver(database),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}
