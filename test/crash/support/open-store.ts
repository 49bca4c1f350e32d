import { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from 'daybook/sqlite';

/** The store under test. */
export function openStore(path: string, options: SqliteStoreOptions = {}): Promise<SqliteStore> {
  return openSqliteStore(path, options);
}
