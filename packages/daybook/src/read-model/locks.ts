import { sql, type Kysely, type Transaction } from 'kysely';

import type { Bookkeeping } from './bookkeeping.ts';

/** On PostgreSQL: no statement of the transaction waits longer for a lock. */
export async function limitLockWait(tx: Transaction<Bookkeeping>, waitMs: number): Promise<void> {
  await sql`SET LOCAL lock_timeout = ${sql.lit(waitMs)}`.execute(tx);
}

/** The server process whose open transaction has written the checkpoint. */
export async function lockingPid(books: Kysely<Bookkeeping>, name: string): Promise<number | undefined> {
  const { rows } = await sql<{ readonly pid: number }>`
    SELECT held.pid FROM daybook_read_model AS model
    JOIN pg_locks AS held ON held.locktype = 'transactionid' AND held.granted AND held.transactionid = model.xmax
    WHERE model.name = ${name} ORDER BY held.pid LIMIT 1`.execute(books);
  return rows[0]?.pid;
}
