import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

import { SqliteDialect, type SqliteDatabase, type SqliteStatement } from 'kysely';

/** Statements that stay prepared. A read model runs the same few again and again. */
const preparedAtMost = 200;

/**
 * Kysely's SQLite dialect on the database of `node:sqlite`, handed in open. Whole numbers beyond 2^53 come as `bigint`,
 * all others as `number`; `true` and `false` are bound as 1 and 0.
 *
 * ```ts
 * const db = new Kysely<Tables>({ dialect: nodeSqliteDialect(new DatabaseSync('shipments.db')) });
 * ```
 */
export function nodeSqliteDialect(database: DatabaseSync): SqliteDialect {
  const prepared = new Map<string, SqliteStatement>();
  const adapted: SqliteDatabase = {
    close: () => {
      prepared.clear();
      database.close();
    },
    prepare: (sql) => {
      const found = prepared.get(sql);
      if (found !== undefined) return found;
      const made = preparedStatement(database, sql);
      const [oldest] = prepared.keys();
      if (prepared.size >= preparedAtMost && oldest !== undefined) prepared.delete(oldest);
      prepared.set(sql, made);
      return made;
    },
  };
  return new SqliteDialect({ database: adapted });
}

function preparedStatement(database: DatabaseSync, sql: string): SqliteStatement {
  const statement = statementOf(database, sql);
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...parameters.map(bound)).map(withNumbers),
    run: (parameters) => statement.run(...parameters.map(bound)),
    *iterate(parameters) {
      // One of its own: the shared one begins again when the same statement runs meanwhile.
      for (const row of statementOf(database, sql).iterate(...parameters.map(bound))) yield withNumbers(row);
    },
  };
}

function statementOf(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReadBigInts(true);
  return statement;
}

function bound(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === undefined) return null;
  if (value instanceof Date) {
    throw new TypeError('SQLite has no dates: bind toISOString() or getTime() of a Date.');
  }
  return value as SQLInputValue; // Anything else that SQLite does not take, node:sqlite refuses.
}

/** The row with `number` for every whole number that is one. */
function withNumbers(row: Record<string, unknown>): Record<string, unknown> {
  for (const column in row) {
    const value = row[column];
    if (typeof value === 'bigint' && value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER) {
      row[column] = Number(value);
    }
  }
  return row;
}
