import { isDeepStrictEqual } from 'node:util';

import type { ReadModel, RunOptions } from '../../read-model/index.ts';

/** A row as a test writes it. */
export type TableRow = Readonly<Record<string, unknown>>;

/** The database of a test. */
export type TestDatabase = RunOptions['db'];

/** All rows of a read model, by table, in the order of their keys, without where they were written last. */
export async function rowsOf(db: TestDatabase, model: ReadModel): Promise<ReadonlyMap<string, readonly TableRow[]>> {
  const found = new Map<string, readonly TableRow[]>();
  for (const table of Object.keys(model.tables)) {
    const rows: readonly TableRow[] = await db
      .withoutPlugins()
      .selectFrom(table as never) // The table of a model whose types are not known here.
      .selectAll()
      .execute();
    found.set(
      table,
      sorted(
        model,
        table,
        rows.map(({ _position, ...row }) => row),
      ),
    );
  }
  return found;
}

/** Rows in the order of their keys. */
export function sorted(model: ReadModel, table: string, rows: readonly TableRow[]): readonly TableRow[] {
  const key = model.tables[table]?.key ?? [];
  const text = (row: TableRow): string => JSON.stringify(key.map((column) => String(row[column])));
  return rows.toSorted((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
}

/** The first row in which two sets differ, in words. */
export function firstDifference(
  expected: ReadonlyMap<string, readonly TableRow[]>,
  actual: ReadonlyMap<string, readonly TableRow[]>,
):
  | { readonly table: string; readonly expected: TableRow | undefined; readonly actual: TableRow | undefined }
  | undefined {
  for (const [table, rows] of expected) {
    const others = actual.get(table) ?? [];
    for (let index = 0; index < Math.max(rows.length, others.length); index++) {
      const [row, other] = [rows[index], others[index]];
      if (!isDeepStrictEqual({ ...row }, { ...other })) return { table, expected: row, actual: other };
    }
  }
  return undefined;
}
