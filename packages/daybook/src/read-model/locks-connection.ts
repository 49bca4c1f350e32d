import { sql, type Kysely } from 'kysely';

import type { Bookkeeping } from './bookkeeping.ts';

/** On PostgreSQL: no statement of the transaction waits longer for a lock. */
export async function limitLockWait(books: Kysely<Bookkeeping>, waitMs: number): Promise<void> {
  await sql`SET LOCAL lock_timeout = ${sql.lit(waitMs)}`.execute(books);
}

/** The server process whose open transaction has written the checkpoint. */
export async function lockingPid(books: Kysely<Bookkeeping>, name: string): Promise<number | undefined> {
  const { rows } = await sql<{ readonly pid: number }>`
    SELECT held.pid FROM daybook_read_model AS model
    JOIN pg_locks AS held ON held.locktype = 'transactionid' AND held.granted AND held.transactionid = model.xmax
    WHERE model.name = ${name} ORDER BY held.pid LIMIT 1`.execute(books);
  return rows[0]?.pid;
}

/** The server process of the oldest transaction that has used one of the tables. */
export async function readingPid(books: Kysely<Bookkeeping>, tables: readonly string[]): Promise<number | undefined> {
  const { rows } = await sql<{ readonly pid: number }>`
    SELECT held.pid FROM pg_locks AS held
    JOIN pg_class AS used ON used.oid = held.relation
    JOIN pg_stat_activity AS whose ON whose.pid = held.pid
    WHERE held.locktype = 'relation' AND held.granted AND whose.datname = current_database()
    AND used.relname IN (${sql.join(tables)})
    ORDER BY whose.xact_start LIMIT 1`.execute(books);
  return rows[0]?.pid;
}
