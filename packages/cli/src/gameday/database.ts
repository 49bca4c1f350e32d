import type { ModelDatabase } from '../config/config.ts';
import { Failure } from '../failure.ts';

/** Copies of tables that a restore puts back. */
const keptSuffix = '__kept';

/** @throws Failure when there is a table already: whoever put it there would miss it. */
export async function refuseFilled(db: ModelDatabase, name: string): Promise<void> {
  const tables = await db.introspection.getTables();
  if (tables.length === 0) return;
  const names = tables.map((table) => table.name).join(', ');
  throw new Failure(
    'scratch-not-empty',
    10,
    `The scratch database of ${name} holds tables already: ${names}. A game day fills and empties it, so it has to be ` +
      'empty at first: give it another one, or drop them.',
  );
}

/** The same database without any tables. It was empty when the game day began. */
export async function emptied(db: ModelDatabase): Promise<ModelDatabase> {
  // A table that others refer to goes after them.
  for (let left = await db.introspection.getTables(), before = Infinity; left.length < before;) {
    before = left.length;
    for (const { name } of left)
      await db.schema
        .dropTable(name)
        .execute()
        .catch(() => {});
    left = await db.introspection.getTables();
  }
  return db;
}

/** Copies every table, as a backup does. */
export async function keep(db: ModelDatabase): Promise<void> {
  for (const { name } of await db.introspection.getTables()) {
    // Nobody knows the columns of these tables here.
    await db.schema
      .createTable(name + keptSuffix)
      .as(db.selectFrom(name as never).selectAll())
      .execute();
  }
}

/** Puts every table back to where it was when it was copied, in one transaction. */
export async function putBack(db: ModelDatabase): Promise<void> {
  const tables = (await db.introspection.getTables()).filter(({ name }) => name.endsWith(keptSuffix));
  const tx = await db.startTransaction().execute();
  try {
    await inSomeOrder(tx, tables, async ({ name }) => {
      await tx.deleteFrom(original(name)).execute();
    });
    await inSomeOrder(tx, tables, async ({ name, columns }) => {
      const names = columns.map((column) => column.name as never); // As below.
      const kept = tx.selectFrom(name as never).select(names);
      await tx.insertInto(original(name)).columns(names).expression(kept).execute();
    });
    await tx.commit().execute();
  } catch (error) {
    await tx.rollback().execute();
    throw error;
  }
  for (const { name } of tables) await db.schema.dropTable(name).execute();
}

/** The table that a copy was made of. Nobody knows these tables here. */
function original(kept: string): never {
  return kept.slice(0, -keptSuffix.length) as never;
}

type Transaction = Awaited<ReturnType<ReturnType<ModelDatabase['startTransaction']>['execute']>>;

/** Does something with each table, in an order in which those that refer to others allow it. */
async function inSomeOrder<Table>(
  tx: Transaction,
  tables: readonly Table[],
  work: (table: Table) => Promise<void>,
): Promise<void> {
  for (let left = tables; left.length > 0;) {
    const later: Table[] = [];
    let refusal: unknown;
    for (const table of left) {
      const before = await tx.savepoint('before').execute();
      try {
        await work(table);
        await before.releaseSavepoint('before').execute();
      } catch (error) {
        await before.rollbackToSavepoint('before').execute();
        refusal = error;
        later.push(table);
      }
    }
    if (later.length === left.length) throw refusal;
    left = later;
  }
}
