import type { Kysely, Transaction } from 'kysely';

import { failureKind } from '../consumer/failures.ts';
import { DaybookError } from '../store/errors.ts';
import { position, type Position } from '../store/position.ts';
import { booksOf, type Checkpoint } from './bookkeeping.ts';
import { differencesWithin } from './compare.ts';
import { knownCheckpoint, type Copy } from './copy.ts';
import type { Drift } from './drift.ts';
import { NotPutRight } from './errors.ts';
import { transactionWithin, type LockPatience } from './locks.ts';
import { live, tableName, type Naming } from './naming.ts';
import type { ReadModel, TableShape, UntypedTables } from './read-model.ts';
import { keyText, rowsWithKeys, type Row } from './rows.ts';

/** Which rows are put right, and by which copy. */
export interface PutRightOptions extends LockPatience {
  readonly signal?: AbortSignal | undefined;
  readonly db: Kysely<UntypedTables>;
  readonly copy: Copy;
  readonly drift: readonly Pick<Drift, 'table' | 'key'>[];
  readonly now: () => number;
}

/** What was compared in the end. */
export interface PutRight {
  readonly position: Position;
  readonly rows: number;
}

/**
 * Gives the rows that differ what those of the copy hold, as of the live checkpoint, which stands still meanwhile, and
 * compares everything before it commits: rules of the tables, such as `ON DELETE CASCADE`, may have changed other rows.
 *
 * @throws NotPutRight when the tables do not become the same. Nothing is committed then.
 * @throws ReadModelLocked when somebody's open transaction holds the checkpoint.
 */
export async function putRight(model: ReadModel, options: PutRightOptions): Promise<PutRight> {
  let refusal: unknown;
  for (const way of ways) {
    try {
      return await transactionWithin(options.db, { ...options, model }, (tx) =>
        putRightBy(tx, model, { ...options, way }),
      );
    } catch (error) {
      if (error instanceof DaybookError || failureKind(error) === 'unavailable') throw error;
      refusal = error; // A constraint that holds in the end does not hold half way.
    }
  }
  throw new NotPutRight(model.name, refusal);
}

/** Comparing, and putting right what the last time changed besides, ends after so many times. */
const roundsAtMost = 3;

async function putRightBy(
  tx: Transaction<UntypedTables>,
  model: ReadModel,
  { copy, drift, now, way }: PutRightOptions & { readonly way: Way },
): Promise<PutRight> {
  const checkpoint = await heldStill(tx, model, now);
  const at = checkpoint.position ?? position(0n);
  await copy.foldWithin(tx, at);
  let wrong = drift;
  for (let round = 1; round <= roundsAtMost; round++) {
    await way(tx, partsOf(model, wrong, copy.naming));
    const { rows, differing } = await differencesWithin(tx, model, copy.naming);
    if (differing.length === 0) return { position: at, rows };
    wrong = differing;
  }
  throw new NotPutRight(model.name, undefined);
}

/** Locks the checkpoint, so that nobody projects until the transaction ends, and reads it. */
export async function heldStill(
  tx: Transaction<UntypedTables>,
  model: ReadModel,
  now: () => number,
): Promise<Checkpoint> {
  await booksOf(tx)
    .updateTable('daybook_read_model')
    .set({ updated_at: now() })
    .where('name', '=', model.name)
    .execute();
  return knownCheckpoint(tx, model);
}

/** The rows of one table that are put right. */
interface Part {
  readonly table: string;
  readonly shape: TableShape;
  readonly keys: readonly Row[];
  /** The table of the copy. */
  readonly from: string;
}

type Way = (tx: Transaction<UntypedTables>, parts: readonly Part[]) => Promise<void>;

function partsOf(model: ReadModel, drift: PutRightOptions['drift'], naming: Naming): readonly Part[] {
  return Object.entries(model.tables)
    .map(([table, shape]) => ({
      table,
      shape,
      keys: drift.filter((each) => each.table === table).map(({ key }) => key),
      from: tableName(table, naming),
    }))
    .filter(({ keys }) => keys.length > 0);
}

/** One after the other. Which tables refer to which is known to the database alone, so both orders are tried. */
const ways: readonly Way[] = [
  changeRows,
  (tx, parts) => changeRows(tx, parts.toReversed()),
  makeAnew,
  (tx, parts) => makeAnew(tx, parts.toReversed()),
];

/** Removes what is too much, then adds and changes: no row that stays goes away in between, with those that refer to it. */
async function changeRows(tx: Transaction<UntypedTables>, parts: readonly Part[]): Promise<void> {
  for (const part of parts.toReversed()) {
    const wanted = await keysIn(tx, part, part.from);
    for (const key of part.keys) if (!wanted.has(keyText(key, part.shape))) await deleteRow(tx, part, key);
  }
  for (const part of parts) {
    const wanted = await keysIn(tx, part, part.from);
    for (const key of part.keys) {
      if (!wanted.has(keyText(key, part.shape))) continue;
      const [row] = await rowsWithKeys(tx, tableName(part.table, live), part.shape, [key]);
      await (row === undefined ? insertRow(tx, part, key) : updateRow(tx, part, { key, columns: Object.keys(row) }));
    }
  }
}

/** For rows that stand in each other's way, such as two that have each other's value in a unique column. */
async function makeAnew(tx: Transaction<UntypedTables>, parts: readonly Part[]): Promise<void> {
  for (const part of parts.toReversed()) for (const key of part.keys) await deleteRow(tx, part, key);
  for (const part of parts) for (const key of part.keys) await insertRow(tx, part, key);
}

async function keysIn(
  tx: Transaction<UntypedTables>,
  { shape, keys }: Part,
  table: string,
): Promise<ReadonlySet<string>> {
  const rows = await rowsWithKeys(tx, table, shape, keys);
  return new Set(rows.map((row) => keyText(row, shape)));
}

async function deleteRow(tx: Transaction<UntypedTables>, { table, shape }: Part, key: Row): Promise<void> {
  await tx
    .withoutPlugins()
    .deleteFrom(tableName(table, live))
    .where((eb) => eb.and(shape.key.map((column) => eb(column, '=', key[column]))))
    .execute();
}

/** From table to table, so that no value goes through the types of a driver. */
async function insertRow(tx: Transaction<UntypedTables>, { table, shape, from }: Part, key: Row): Promise<void> {
  const [row] = await rowsWithKeys(tx, from, shape, [key]);
  if (row === undefined) return;
  const columns = Object.keys(row);
  await tx
    .withoutPlugins()
    .insertInto(tableName(table, live))
    .columns(columns)
    .expression((eb) =>
      eb
        .selectFrom(from)
        .select(columns)
        .where((where) => where.and(shape.key.map((column) => where(column, '=', key[column])))),
    )
    .execute();
}

/** The same for a row that is there. */
async function updateRow(
  tx: Transaction<UntypedTables>,
  { table, shape, from }: Part,
  { key, columns }: { readonly key: Row; readonly columns: readonly string[] },
): Promise<void> {
  const plain: Kysely<Record<string, Record<string, unknown>>> = tx.withoutPlugins();
  await plain
    .updateTable(tableName(table, live))
    .set((eb) =>
      Object.fromEntries(
        columns
          .filter((column) => !shape.key.includes(column))
          .map((column) => [
            column,
            eb
              .selectFrom(from)
              .select(`${from}.${column}`)
              .where((where) => where.and(shape.key.map((each) => where(`${from}.${each}`, '=', key[each])))),
          ]),
      ),
    )
    .where((eb) => eb.and(shape.key.map((column) => eb(column, '=', key[column]))))
    .execute();
}
