import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

import type { Expression, ExpressionBuilder, Kysely, SqlBool, Transaction } from 'kysely';

import type { TableShape, UntypedTables } from './read-model.ts';

/** A row as the driver gives it. */
export type Row = Readonly<Record<string, unknown>>;

/** Where rows are read: a database, or a transaction in it. */
export type Rows = Kysely<UntypedTables> | Transaction<UntypedTables>;

/** Rows in one read. */
const pageRows = 2_000;

/** From which row to which, by the key. */
export interface RowRange {
  /** The first row, itself included. */
  readonly from?: Row | undefined;
  /** The row before the first one. */
  readonly after?: Row | undefined;
  /** The last row, itself included. */
  readonly to?: Row | undefined;
}

/** All rows of a table, or of a range, a page at a time, in the order of the key as the database sorts it. */
export async function* scanRows(
  db: Rows,
  table: string,
  shape: TableShape,
  range: RowRange = {},
): AsyncGenerator<readonly Row[], void, undefined> {
  let page = range;
  for (;;) {
    const rows = await rowsIn(db, table, shape, { ...page, atMost: pageRows });
    if (rows.length > 0) yield rows;
    if (rows.length < pageRows) return;
    page = { after: rows.at(-1), to: range.to };
  }
}

/** The first rows of a range, in the order of the key as the database sorts it. */
export async function rowsIn(
  db: Rows,
  table: string,
  { key }: TableShape,
  { atMost, ...range }: RowRange & { readonly atMost: number },
): Promise<readonly Row[]> {
  let query = db.withoutPlugins().selectFrom(table).selectAll().limit(atMost);
  for (const column of key) query = query.orderBy(column);
  for (const bound of boundsOf(range)) query = query.where(beyond(key, bound));
  return query.execute();
}

/** How many rows a table has, in all or in a range. */
export async function countRows(db: Rows, table: string, { key }: TableShape, range: RowRange = {}): Promise<number> {
  let query = db.withoutPlugins().selectFrom(table);
  for (const bound of boundsOf(range)) query = query.where(beyond(key, bound));
  const { rows } = await query.select((eb) => eb.fn.countAll().as('rows')).executeTakeFirstOrThrow();
  return Number(rows);
}

interface Bound {
  readonly than: Row;
  readonly way: '<' | '>';
  readonly itself: 'with' | 'without';
}

function boundsOf({ from, after, to }: RowRange): readonly Bound[] {
  return [
    ...(from === undefined ? [] : [{ than: from, way: '>', itself: 'with' } as const]),
    ...(after === undefined ? [] : [{ than: after, way: '>', itself: 'without' } as const]),
    ...(to === undefined ? [] : [{ than: to, way: '<', itself: 'with' } as const]),
  ];
}

/** Whether a row stands on one side of another: by the first column, then by the second where the first is the same. */
export function beyond(key: readonly string[], { than, way, itself }: Bound) {
  return (eb: ExpressionBuilder<UntypedTables, string>): Expression<SqlBool> => {
    const same = (columns: readonly string[]): readonly Expression<SqlBool>[] =>
      columns.map((column) => eb(column, '=', than[column]));
    const steps = key.map((column, index) => eb.and([...same(key.slice(0, index)), eb(column, way, than[column])]));
    const all = eb.or(itself === 'with' ? [...steps, eb.and([...same(key)])] : steps);
    const [first = ''] = key;
    // Says nothing new, and lets a database begin at the right place of its index.
    return key.length === 1 ? all : eb.and([eb(first, way === '>' ? '>=' : '<=', than[first]), all]);
  };
}

/** The rows with these keys. */
export async function rowsWithKeys(
  db: Rows,
  table: string,
  { key }: TableShape,
  keys: readonly Row[],
): Promise<readonly Row[]> {
  const found: Row[] = [];
  const [first = ''] = key;
  for (let from = 0; from < keys.length; from += keysAtOnce) {
    const some = keys.slice(from, from + keysAtOnce);
    const rows = await db
      .withoutPlugins()
      .selectFrom(table)
      .selectAll()
      .where((eb) =>
        key.length === 1
          ? eb(
              first,
              'in',
              some.map((row) => row[first]),
            )
          : eb.or(some.map((row) => eb.and(key.map((column) => eb(column, '=', row[column]))))),
      )
      .execute();
    found.push(...rows);
  }
  return found;
}

/** So many go into one statement. */
export const keysAtOnce = 100;

/** The columns of the key, alone. */
export function keyColumns(row: Row, { key }: TableShape): Row {
  return Object.fromEntries(key.map((column) => [column, row[column]]));
}

/** The key as text: the same for two rows when they are the same row. */
export function keyText(row: Row, { key }: TableShape): string {
  return key.map((column) => canonical(row[column])).join(',');
}

/** The whole row as text: the same for two rows when all their columns are. */
export function rowText(row: Row): string {
  return Object.keys(row)
    .toSorted()
    .map((column) => `${column}:${canonical(row[column])}`)
    .join(',');
}

/** A value as text that says its type too: 1 is not '1'. */
export function canonical(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Date) return `date ${value.getTime()}`;
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (typeof value !== 'object') return JSON.stringify(value) ?? typeof value;
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  return `{${rowText(value as Row)}}`;
}

/** How many parts a table is compared in. Only parts that differ are looked at row by row. */
export const buckets = 65_536;

/** Which part a row belongs to. */
export function bucketOf(key: string): number {
  const sum = crc32(key);
  return (sum ^ (sum >>> 16)) & (buckets - 1);
}

/** The digests of a table, part by part. The order in which rows are added does not matter. */
export class TableDigest {
  readonly #sums = new BigUint64Array(buckets);
  #rows = 0;

  get rows(): number {
    return this.#rows;
  }

  add(key: string, row: Row): void {
    const bucket = bucketOf(key);
    const sum = this.#sums[bucket] ?? 0n;
    this.#sums[bucket] = sum + hash('sha1', rowText(row), 'buffer').readBigUInt64BE(0); // It wraps around.
    this.#rows += 1;
  }

  /** The parts in which two tables are not the same. */
  differingBuckets(other: TableDigest): readonly number[] {
    const differing: number[] = [];
    for (let bucket = 0; bucket < buckets; bucket++) {
      if (this.#sums[bucket] !== other.#sums[bucket]) differing.push(bucket);
    }
    return differing;
  }
}

/** The digest of a table: of all its rows, or of those in some parts. */
export async function digestOf(
  db: Rows,
  table: string,
  { shape, includes }: { readonly shape: TableShape; readonly includes: (bucket: number) => boolean },
): Promise<TableDigest> {
  const digest = new TableDigest();
  for await (const rows of scanRows(db, table, shape)) {
    for (const row of rows) {
      const key = keyText(row, shape);
      if (includes(bucketOf(key))) digest.add(key, row);
    }
  }
  return digest;
}
