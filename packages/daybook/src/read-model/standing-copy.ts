import { thisHost } from '../consumer/host.ts';
import type { EventStore } from '../store/event-store.ts';
import { booksOf, findCheckpoint, makeBooks, type Checkpoint } from './bookkeeping.ts';
import { checkLog } from './check-log.ts';
import { Copy, dropCopy, type CopyOptions } from './copy.ts';
import { existingTables } from './create-tables.ts';
import { LogRestored, ReadModelInUse } from './errors.ts';
import { isHeld } from './lease.ts';
import { checkpointName, positionColumn, tableName, type Naming } from './naming.ts';
import type { ReadModel } from './read-model.ts';

/** The copy that stays beside the live tables for as long as they are compared with the log. */
const standing: Naming = { suffix: '__standing' };

/**
 * Opens the copy that stays beside the live tables. One that is there goes on where it was, if it was made by the same
 * code from the same log; else it is begun anew.
 *
 * @throws ReadModelInUse while another instance has it.
 */
export async function standingCopy(
  store: EventStore,
  model: ReadModel,
  options: Omit<CopyOptions, 'naming'>,
): Promise<Copy> {
  const { db, now, host = thisHost() } = options;
  const books = booksOf(db);
  await makeBooks(books);
  const name = checkpointName(model, standing);
  const before = await findCheckpoint(books, name);
  if (before !== undefined) {
    const { owner = '' } = before;
    const isGone = (other: string): boolean => host.isGone(other);
    if (owner !== host.holder && isHeld(before, { isGone, now })) throw new ReadModelInUse(name, owner);
    if (!(await canGoOn(store, model, { ...options, checkpoint: before }))) await dropCopy(db, model, standing);
  }
  const copy = await Copy.open(store, model, { ...options, host, naming: standing });
  await indexPositions(model, options);
  return copy;
}

async function canGoOn(
  store: EventStore,
  model: ReadModel,
  { db, checkpoint }: Omit<CopyOptions, 'naming'> & { readonly checkpoint: Checkpoint },
): Promise<boolean> {
  if (checkpoint.code !== model.code) return false;
  const found = await existingTables(db, model, standing);
  if (found.length < Object.keys(model.tables).length) return false;
  try {
    await checkLog(store, { db, model, naming: standing, checkpoint });
    return true;
  } catch (error) {
    if (error instanceof LogRestored) return false;
    throw error;
  }
}

/** So that rows which were touched last are found without reading the others. */
async function indexPositions(model: ReadModel, { db }: Omit<CopyOptions, 'naming'>): Promise<void> {
  for (const [table, { key }] of Object.entries(model.tables)) {
    const name = tableName(table, standing);
    await db
      .withoutPlugins()
      .schema.createIndex(`${name}_at`)
      .ifNotExists()
      .on(name)
      .columns([positionColumn, ...key])
      .execute();
  }
}
