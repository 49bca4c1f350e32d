import { isDeepStrictEqual } from 'node:util';

import type { ReadModel, RunOptions } from '../../read-model/index.ts';

/** A row as a test writes it. */
export type TableRow = Readonly<Record<string, unknown>>;

/** The database of a test. */
export type TestDatabase = RunOptions['db'];

/** All rows of a read model, by table, with `_position`, in no order. */
export async function positionedRowsOf(
  db: TestDatabase,
  model: ReadModel,
): Promise<ReadonlyMap<string, readonly TableRow[]>> {
  const found = new Map<string, readonly TableRow[]>();
  for (const table of Object.keys(model.tables)) {
    const rows: readonly TableRow[] = await db
      .withoutPlugins()
      .selectFrom(table as never) // The table of a model whose types are not known here.
      .selectAll()
      .execute();
    found.set(table, rows);
  }
  return found;
}

/** All rows of a read model, by table, in the order of their keys, without where they were written last. */
export async function rowsOf(db: TestDatabase, model: ReadModel): Promise<ReadonlyMap<string, readonly TableRow[]>> {
  const tables = [...(await positionedRowsOf(db, model))];
  return new Map(
    tables.map(([table, rows]) => [
      table,
      sorted(
        model,
        table,
        rows.map(({ _position, ...row }) => row),
      ),
    ]),
  );
}

/** The columns of a row that tell it from others. */
export function keyOf(model: ReadModel, table: string, row: TableRow): TableRow {
  return Object.fromEntries((model.tables[table]?.key ?? []).map((column) => [column, row[column]]));
}

/** The same as text. */
export function keyTextOf(model: ReadModel, table: string, row: TableRow): string {
  return JSON.stringify(Object.values(keyOf(model, table, row)).map(String));
}

/** Rows in the order of their keys. */
export function sorted(model: ReadModel, table: string, rows: readonly TableRow[]): readonly TableRow[] {
  const text = (row: TableRow): string => keyTextOf(model, table, row);
  return rows.toSorted((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
}

/** A row in which two sets of tables differ. */
export interface RowDifference {
  readonly table: string;
  readonly expected: TableRow | undefined;
  readonly actual: TableRow | undefined;
}

/** The first row in which two sets of the same tables differ, or `undefined`. */
export function firstDifference(
  model: ReadModel,
  expected: ReadonlyMap<string, readonly TableRow[]>,
  actual: ReadonlyMap<string, readonly TableRow[]>,
): RowDifference | undefined {
  for (const [table, rows] of expected) {
    const others = new Map((actual.get(table) ?? []).map((row) => [keyTextOf(model, table, row), row]));
    for (const row of rows) {
      const key = keyTextOf(model, table, row);
      const other = others.get(key);
      if (!isDeepStrictEqual({ ...row }, { ...other })) return { table, expected: row, actual: other };
      others.delete(key);
    }
    for (const other of others.values()) return { table, expected: undefined, actual: other };
  }
  return undefined;
}
