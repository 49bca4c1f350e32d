import type { SqliteStore, SqliteStoreOptions } from '../../../packages/daybook/src/sqlite/options.ts';

/** The store under test. */
export async function openStore(path: string, options: SqliteStoreOptions = {}): Promise<SqliteStore> {
  const room = 'daybook/sqlite';
  const { openSqliteStore } = (await import(room)) as {
    openSqliteStore: (path: string, options: SqliteStoreOptions) => SqliteStore;
  };
  return openSqliteStore(path, options);
}
