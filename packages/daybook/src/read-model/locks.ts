import type { Kysely, Transaction } from 'kysely';

import { systemClock } from '../consumer/clock.ts';
import { booksOf, findCheckpoint, type Bookkeeping } from './bookkeeping.ts';
import { ReadModelLocked } from './errors.ts';
import { limitLockWait, lockingPid, readingPid } from './locks-connection.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';

/** How long to wait for somebody who holds what is to be changed. */
export interface LockPatience {
  /**
   * On PostgreSQL: so many milliseconds to wait for an open transaction that holds the checkpoint or the tables, such as
   * a long report. Others go on reading meanwhile. Default: 30,000.
   */
  readonly lockWaitMs?: number | undefined;
}

/** Whoever wants to read queues behind whoever waits to rename a table, so nobody waits for it in one go. */
const oneWaitMs = 500;

/** The others get so long before the next try. */
const pauseMs = 500;

/**
 * A transaction whose statements wait for a lock only for moments, and that is begun again as long as there is patience.
 * SQLite has a limit of its own.
 *
 * @throws ReadModelLocked when patience has ended. Nothing was changed.
 */
export async function transactionWithin<Result>(
  db: Kysely<UntypedTables>,
  {
    model,
    lockWaitMs = 30_000,
    signal,
  }: LockPatience & { readonly model: ReadModel; readonly signal?: AbortSignal | undefined },
  work: (tx: Transaction<UntypedTables>) => Promise<Result>,
): Promise<Result> {
  const books = booksOf(db);
  if (!isPostgres(books)) return db.transaction().execute(work);
  const began = systemClock.monotonicMs();
  for (;;) {
    try {
      return await db.transaction().execute(async (tx) => {
        await limitLockWait(booksOf(tx), oneWaitMs);
        return work(tx);
      });
    } catch (error) {
      if (!isLocked(error)) throw error;
      if (systemClock.monotonicMs() - began >= lockWaitMs) throw await lockedError(books, model, error);
    }
    await systemClock.sleep(pauseMs, signal);
  }
}

async function lockedError(
  books: Kysely<Bookkeeping>,
  { name, tables }: ReadModel,
  cause: unknown,
): Promise<ReadModelLocked> {
  const pid = await lockingPid(books, name);
  if (pid === undefined)
    return new ReadModelLocked(name, { owner: undefined, pid: await readingPid(books, Object.keys(tables)), cause });
  const { owner } = (await findCheckpoint(books, name)) ?? {};
  return new ReadModelLocked(name, { owner, pid, cause });
}

/** Of the databases that read models live in, the only one whose tables are made within transactions, by Kysely's word. */
export function isPostgres(books: Kysely<Bookkeeping>): boolean {
  return books.getExecutor().adapter.supportsTransactionalDdl === true;
}

/** PostgreSQL's `lock_not_available`. */
export function isLocked(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, 'code') === '55P03';
}
