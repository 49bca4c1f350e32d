import type { Kysely, Transaction } from 'kysely';

import { booksOf, renameCheckpoint } from './bookkeeping.ts';
import { checkpointName, tableName, type Naming } from './naming.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';

/** What the tables are called that a rebuild has replaced. */
export const previousSuffix = '__previous_';

/** Gives the tables of a copy, and what is kept about it, other names. Whoever wrote it is shut out. */
export async function renameCopy(
  tx: Transaction<UntypedTables>,
  model: ReadModel,
  { from, to, token }: { readonly from: Naming; readonly to: Naming; readonly token: bigint },
): Promise<void> {
  for (const table of Object.keys(model.tables)) {
    await tx.withoutPlugins().schema.alterTable(tableName(table, from)).renameTo(tableName(table, to)).execute();
  }
  await renameCheckpoint(booksOf(tx), {
    from: checkpointName(model, from),
    to: checkpointName(model, to),
    token,
  });
}

/** The copies whose suffix begins so, the newest first. */
export async function copiesNamed(
  db: Kysely<UntypedTables>,
  model: ReadModel,
  suffix: string,
): Promise<readonly Naming[]> {
  const rows = await booksOf(db).selectFrom('daybook_read_model').select('name').orderBy('name', 'desc').execute();
  const prefix = model.name + suffix;
  return rows
    .filter(({ name }) => name.startsWith(prefix))
    .map(({ name }) => ({ suffix: name.slice(model.name.length) }));
}
