import type { Kysely } from 'kysely';

import type { EventStore } from '../store/event-store.ts';
import { booksOf, findCheckpoint, firstRow, makeBooks } from './bookkeeping.ts';
import { CheckpointMissing } from './errors.ts';
import { ModelPlugin } from './model-plugin.ts';
import { checkpointName, tableName, type Naming } from './naming.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';

/** What a copy is made in, and from which log. */
export interface CreateOptions {
  readonly db: Kysely<UntypedTables>;
  readonly naming: Naming;
  readonly now: () => number;
}

/**
 * Makes the tables of a copy and its checkpoint before the first event, in one transaction, unless they are there.
 *
 * @throws CheckpointMissing when a table is there without a checkpoint: it is not ours to overwrite.
 */
export async function createTables(
  store: EventStore,
  model: ReadModel,
  { db, naming, now }: CreateOptions,
): Promise<void> {
  const name = checkpointName(model, naming);
  const books = booksOf(db);
  await makeBooks(books);
  if ((await findCheckpoint(books, name)) !== undefined) return;
  const found = await existingTable(db, model, naming);
  if (found !== undefined) throw new CheckpointMissing(name, found);
  const { logId = null, epoch = null } = await store.head();
  await db.transaction().execute(async (tx) => {
    const row = firstRow({ name, code: model.code, updated_at: now(), log_id: logId, epoch });
    await booksOf(tx).insertInto('daybook_read_model').values(row).execute();
    await model.migrate(tx.withPlugin(ModelPlugin.forMigration(model, naming)));
  });
}

/** The first of the copy's tables that is there. */
export async function existingTable(
  db: Kysely<UntypedTables>,
  model: ReadModel,
  naming: Naming,
): Promise<string | undefined> {
  const [first] = await existingTables(db, model, naming);
  return first;
}

/** Those of the copy's tables that are there. */
export async function existingTables(
  db: Kysely<UntypedTables>,
  model: ReadModel,
  naming: Naming,
): Promise<readonly string[]> {
  const tables = await db.introspection.getTables();
  const names = new Set(tables.map(({ name }) => name));
  return Object.keys(model.tables)
    .map((table) => tableName(table, naming))
    .filter((table) => names.has(table));
}
