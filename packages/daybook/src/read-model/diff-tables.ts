import { differencesOf } from './compare.ts';
import { Pace, type Steps } from './job.ts';
import { tableName, positionColumn, type Naming } from './naming.ts';
import type { ReadModel } from './read-model.ts';
import { bucketOf, buckets, keyText, scanRows, TableDigest, type Row, type Rows } from './rows.ts';

/** How one copy of a table differs from another, in numbers. */
export interface TableDiff {
  readonly table: string;
  readonly rows: number;
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  /** By column: in how many of the changed rows it is another. */
  readonly columns: Readonly<Record<string, number>>;
}

/** What would change for readers if `to` took the place of `from`. Where rows were written last does not count. */
export async function* diffTables(
  db: Rows,
  model: ReadModel,
  { from, to }: { readonly from: Naming; readonly to: Naming },
): Steps<readonly TableDiff[]> {
  const diffs: TableDiff[] = [];
  const pace = new Pace('comparing');
  for (const [table, shape] of Object.entries(model.tables)) {
    const before = tableName(table, from);
    const after = tableName(table, to);
    const [old, next] = [new TableDigest(), new TableDigest()];
    for (const [name, digest] of [[before, old] as const, [after, next] as const]) {
      for await (const rows of scanRows(db, name, shape)) {
        for (const row of rows) digest.add(keyText(row, shape), row);
        yield pace.advance(rows.length);
      }
    }
    const differing = next.differingBuckets(old);
    const counts = { added: 0, removed: 0, changed: 0, columns: new Map<string, number>() };
    const size = Math.max(1, Math.floor(50_000 / (Math.max(old.rows, next.rows, 1) / buckets)));
    for (let index = 0; index < differing.length; index += size) {
      const group = new Set(differing.slice(index, index + size));
      const live = yield* plainRows(db, { table: before, key: shape.key, group, pace });
      const expected = yield* plainRows(db, { table: after, key: shape.key, group, pace });
      for (const difference of differencesOf(table, { shape, live, expected })) count(counts, difference);
    }
    const { columns, ...numbers } = counts;
    diffs.push({ table, rows: next.rows, ...numbers, columns: Object.fromEntries(columns) });
  }
  return diffs;
}

function count(
  counts: { added: number; removed: number; changed: number; readonly columns: Map<string, number> },
  {
    live,
    expected,
    columns,
  }: { live: Row | undefined; expected: Row | undefined; columns: readonly { column: string }[] },
): void {
  if (live === undefined) counts.added += 1;
  else if (expected === undefined) counts.removed += 1;
  else {
    counts.changed += 1;
    for (const { column } of columns) counts.columns.set(column, (counts.columns.get(column) ?? 0) + 1);
  }
}

async function* plainRows(
  db: Rows,
  part: {
    readonly table: string;
    readonly key: readonly string[];
    readonly group: ReadonlySet<number>;
    readonly pace: Pace;
  },
): Steps<ReadonlyMap<string, Row>> {
  const found = new Map<string, Row>();
  for await (const rows of scanRows(db, part.table, part)) {
    for (const row of rows) {
      const key = keyText(row, part);
      if (part.group.has(bucketOf(key))) found.set(key, { ...row, [positionColumn]: undefined });
    }
    yield part.pace.advance(0);
  }
  return found;
}
