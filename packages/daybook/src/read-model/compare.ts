import type { Kysely } from 'kysely';

import { position, type Position } from '../store/position.ts';
import { booksOf, findCheckpoint, type Checkpoint } from './bookkeeping.ts';
import type { Copy } from './copy.ts';
import type { ColumnDrift } from './drift.ts';
import { ReadModelMissing, VerifyInterrupted } from './errors.ts';
import { Pace, type Steps } from './job.ts';
import { live, tableName, type Naming } from './naming.ts';
import type { ReadModel, TableShape, UntypedTables } from './read-model.ts';
import {
  bucketOf,
  buckets,
  canonical,
  digestOf,
  keyColumns,
  keyText,
  scanRows,
  type Row,
  type Rows,
  TableDigest,
} from './rows.ts';
import { everything, isIn, type Sample } from './sample.ts';

/** A row of which the two sides hold different things. */
export interface RowDifference {
  readonly table: string;
  readonly key: Row;
  readonly live: Row | undefined;
  readonly expected: Row | undefined;
  readonly columns: readonly ColumnDrift[];
}

/** The same, and where both sides stood: others may be compared later, when more events are in the tables. */
export interface Difference extends RowDifference {
  readonly at: Position;
}

/** What is compared. */
export interface CompareOptions {
  readonly db: Kysely<UntypedTables>;
  readonly model: ReadModel;
  /** The copy that says what the rows should be. It is folded on to wherever the live tables are. */
  readonly copy: Copy;
  /** Which parts of the tables are looked at. */
  readonly sample: Sample;
  /** Differences that are given at most. */
  readonly differencesAtMost: number;
  readonly signal: AbortSignal | undefined;
}

/** What came out. */
export interface Compared {
  /** Where both sides stood in the end. */
  readonly position: Position;
  readonly rows: number;
  /** How many rows differ, also beyond those that are given. */
  readonly differing: number;
  readonly differences: readonly Difference[];
}

/** Rows that are held in memory while parts that differ are looked at. */
const rowsInMemory = 50_000;

/**
 * Compares the live tables with the copy, at the same position, while projecting goes on: the live side is read in one
 * snapshot with its checkpoint, then the copy is folded up to exactly there. Digests say in which parts of the tables
 * to look; rows are held in memory only for those, so a table of any size takes the same.
 */
export async function* compareTables(options: CompareOptions): Steps<Compared> {
  const { db, model, copy, sample, differencesAtMost } = options;
  const first = await snapshot(db, model, (tx) => digests(tx, model, { naming: live, sample }));
  yield* follow(copy, first.checkpoint);
  const expected = await digests(db, model, { naming: copy.naming, sample });
  let { checkpoint } = first;
  let differing = 0;
  const differences: Difference[] = [];
  const rows = sumOf(first.result);
  const pace = new Pace('comparing', { total: rows });
  yield pace.advance(rows);
  for (const [table, shape] of Object.entries(model.tables)) {
    const found = first.result.get(table);
    const wanted = expected.get(table);
    if (found === undefined || wanted === undefined) continue;
    for (const group of groupsOf(found, wanted)) {
      options.signal?.throwIfAborted();
      const read = await snapshot(db, model, (tx) => rowsOfGroup(tx, { table, shape, group }));
      checkpoint = read.checkpoint;
      yield* follow(copy, checkpoint);
      const should = await rowsOfGroup(db, { table: tableName(table, copy.naming), shape, group });
      for (const difference of differencesOf(table, { shape, live: read.result, expected: should })) {
        differing += 1;
        if (differences.length < differencesAtMost) differences.push({ ...difference, at: copy.position });
      }
    }
  }
  return { position: checkpoint.position ?? position(0n), rows, differing, differences };
}

/** The rows that differ within a transaction that holds both sides still, and how many there are in all. */
export async function differencesWithin(
  tx: Rows,
  model: ReadModel,
  naming: Naming,
): Promise<{ readonly rows: number; readonly differing: readonly RowDifference[] }> {
  const found = await digests(tx, model, { naming: live, sample: everything });
  const wanted = await digests(tx, model, { naming, sample: everything });
  const differing: RowDifference[] = [];
  for (const [table, shape] of Object.entries(model.tables)) {
    for (const group of groupsOf(found.get(table) ?? new TableDigest(), wanted.get(table) ?? new TableDigest())) {
      const rows = await rowsOfGroup(tx, { table, shape, group });
      const expected = await rowsOfGroup(tx, { table: tableName(table, naming), shape, group });
      differing.push(...differencesOf(table, { shape, live: rows, expected }));
    }
  }
  return { rows: sumOf(found), differing };
}

/** The differences between two sets of rows of one table. */
export function* differencesOf(
  table: string,
  sides: {
    readonly shape: TableShape;
    readonly live: ReadonlyMap<string, Row>;
    readonly expected: ReadonlyMap<string, Row>;
  },
): Generator<RowDifference> {
  const { shape, live: found, expected } = sides;
  for (const text of new Set([...expected.keys(), ...found.keys()])) {
    const row = found.get(text);
    const should = expected.get(text);
    const columns = columnsOf(row, should);
    if (columns.length === 0) continue;
    yield { table, key: keyColumns(row ?? should ?? {}, shape), live: row, expected: should, columns };
  }
}

function columnsOf(row: Row | undefined, should: Row | undefined): readonly ColumnDrift[] {
  const names = new Set([...Object.keys(should ?? {}), ...Object.keys(row ?? {})]);
  return [...names]
    .filter(
      (column) => row === undefined || should === undefined || canonical(row[column]) !== canonical(should[column]),
    )
    .map((column) => ({ column, live: row?.[column], expected: should?.[column] }));
}

/** Folds the copy on to where the live tables are. */
export async function* follow(copy: Copy, { name, position: at = position(0n) }: Checkpoint): Steps<void> {
  if (at < copy.position) throw new VerifyInterrupted(name);
  if (at > copy.position) yield* copy.foldTo(at);
}

interface Snapshot<Result> {
  readonly checkpoint: Checkpoint;
  readonly result: Result;
}

/** Reads the live tables and their checkpoint as of one moment. */
export async function snapshot<Result>(
  db: Kysely<UntypedTables>,
  model: ReadModel,
  read: (tx: Rows) => Promise<Result>,
): Promise<Snapshot<Result>> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => ({ checkpoint: await checkpointIn(tx, model), result: await read(tx) }));
}

async function checkpointIn(tx: Rows, model: ReadModel): Promise<Checkpoint> {
  const checkpoint = await findCheckpoint(booksOf(tx), model.name);
  if (checkpoint === undefined) throw new ReadModelMissing(model.name);
  return checkpoint;
}

async function digests(
  db: Rows,
  model: ReadModel,
  { naming, sample }: { readonly naming: Naming; readonly sample: Sample },
): Promise<ReadonlyMap<string, TableDigest>> {
  const found = new Map<string, TableDigest>();
  const includes = (bucket: number): boolean => isIn(sample, bucket);
  for (const [table, shape] of Object.entries(model.tables)) {
    found.set(table, await digestOf(db, tableName(table, naming), { shape, includes }));
  }
  return found;
}

function sumOf(found: ReadonlyMap<string, TableDigest>): number {
  return [...found.values()].reduce((sum, { rows }) => sum + rows, 0);
}

/** The parts that differ, so many together as can be held in memory. */
function* groupsOf(found: TableDigest, wanted: TableDigest): Generator<ReadonlySet<number>> {
  const differing = found.differingBuckets(wanted);
  const rowsEach = Math.max(found.rows, wanted.rows, 1) / buckets;
  const size = Math.max(1, Math.floor(rowsInMemory / rowsEach));
  for (let from = 0; from < differing.length; from += size) yield new Set(differing.slice(from, from + size));
}

async function rowsOfGroup(
  db: Rows,
  part: {
    readonly table: string;
    readonly shape: TableShape;
    readonly group: ReadonlySet<number>;
  },
): Promise<ReadonlyMap<string, Row>> {
  const found = new Map<string, Row>();
  for await (const rows of scanRows(db, part.table, part.shape)) {
    for (const row of rows) {
      const key = keyText(row, part.shape);
      if (part.group.has(bucketOf(key))) found.set(key, row);
    }
  }
  return found;
}
