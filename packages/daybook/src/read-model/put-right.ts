import type { Kysely, Transaction } from 'kysely';

import { position, type Position } from '../store/position.ts';
import { booksOf, type Checkpoint } from './bookkeeping.ts';
import { knownCheckpoint, type Copy } from './copy.ts';
import type { Drift } from './drift.ts';
import { live, tableName } from './naming.ts';
import type { ReadModel, TableShape, UntypedTables } from './read-model.ts';
import { rowsWithKeys, type Row } from './rows.ts';

/** Which rows are put right, and by which copy. */
export interface PutRightOptions {
  readonly db: Kysely<UntypedTables>;
  readonly copy: Copy;
  readonly drift: readonly Drift[];
  readonly now: () => number;
}

/** Replaces the rows that differ by those of the copy, as of the live checkpoint, which stands still meanwhile. */
export async function putRight(model: ReadModel, { db, copy, drift, now }: PutRightOptions): Promise<Position> {
  return db.transaction().execute(async (tx) => {
    const checkpoint = await heldStill(tx, model, now);
    const at = checkpoint.position ?? position(0n);
    await copy.foldWithin(tx, at);
    for (const [table, shape] of Object.entries(model.tables)) {
      const keys = drift.filter((each) => each.table === table).map(({ key }) => key);
      if (keys.length > 0) await replaceRows(tx, { table, shape, keys, from: tableName(table, copy.naming) });
    }
    return at;
  });
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

async function replaceRows(
  tx: Transaction<UntypedTables>,
  part: { readonly table: string; readonly shape: TableShape; readonly keys: readonly Row[]; readonly from: string },
): Promise<void> {
  const { table, shape, keys, from } = part;
  const plain = tx.withoutPlugins();
  for (const key of keys) {
    await plain
      .deleteFrom(tableName(table, live))
      .where((eb) => eb.and(shape.key.map((column) => eb(column, '=', key[column]))))
      .execute();
    const [row] = await rowsWithKeys(tx, from, shape, [key]);
    if (row === undefined) continue;
    // From table to table, so that no value goes through the types of a driver.
    const columns = Object.keys(row);
    await plain
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
}
