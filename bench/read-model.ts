/**
 * How fast is a read model rebuilt, against the same rows inserted by one bare loop of transactions of 500 on the same
 * Kysely: without the proof, and, as it is by default, with it? And how long does verifying take, and how much memory at
 * its peak?
 *
 *     node --conditions=@daybook/source bench/read-model.ts [--events 50000] [--on sqlite|postgres] [--verify 1000000]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';

import { jsonEvent, streamName, type EventStore } from 'daybook';
import { nodeSqliteDialect, pgDialect, readModel, rebuildReadModel, verifyReadModel } from 'daybook/read-model';
import { openSqliteStore } from 'daybook/sqlite';
import { Kysely } from 'kysely';
import { Pool } from 'pg';

import { startPostgres } from '../test/services/postgres.ts';
import { print, significant } from './support/measure.ts';

interface Tables {
  readonly payment: { readonly id: string; readonly amount: number; readonly currency: string };
}

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '50000' },
    verify: { type: 'string', default: '0' },
    on: { type: 'string', default: 'sqlite' },
  },
});
const model = readModel('payments', {
  from: ['$ce-Payment'],
  tables: { payment: { key: ['id'] } },
  migrate: makePayment,
  on: {
    PaymentAuthorized: (event, tx) =>
      tx
        .insertInto('payment')
        .values(event.data as Tables['payment'])
        .execute(),
  },
});
/** Of a bare loop of transactions of 500, without the proof. */
const rebuildBudget = 0.4;
/** For a million events. */
const verifyBudgetSeconds = 60;
const lookEveryMs = 50;
const folder = mkdtempSync(join(tmpdir(), 'daybook-bench-'));
try {
  if (values.on === 'postgres') await onPostgres();
  else await measured(() => openSqlite(crypto.randomUUID()), 'SQLite');
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function onPostgres(): Promise<void> {
  await using postgres = await startPostgres({ settings: { fsync: 'on' } });
  await measured(async () => {
    const pool = new Pool({ connectionString: await postgres.createDatabase(), max: 4, pipeline: true });
    return new Kysely<Tables>({ dialect: pgDialect(pool) });
  }, 'PostgreSQL');
}

async function measured(open: () => Kysely<Tables> | Promise<Kysely<Tables>>, name: string): Promise<void> {
  const events = Number(values.events);
  await using store = await openSqliteStore(join(folder, 'log.db'));
  await fill(store, Math.max(events, Number(values.verify)));
  if (Number(values.verify) > 0) return await verified(store, await open(), name);
  const bare = await open();
  const bareMs = await timed(() => insertAll(bare, events));
  await bare.destroy();
  const db = await open();
  const reason = { who: 'bench', why: 'to measure' };
  const ours = await timed(() => rebuildReadModel(store, model, { db, reason, proof: 'none' }).result());
  await db.destroy();
  const proving = await open();
  const provenMs = await timed(() => rebuildReadModel(store, model, { db: proving, reason }).result());
  await proving.destroy();
  const ratio = bareMs / ours;
  print({
    ratio: significant(ratio),
    isMet: ratio >= rebuildBudget,
    provenRatio: significant(bareMs / provenMs),
    question: `rebuild of a read model of ${events} rows on ${name}, against a bare loop of transactions of 500`,
    perSecond: Math.round((events / ours) * 1_000),
    provenPerSecond: Math.round((events / provenMs) * 1_000),
    barePerSecond: Math.round((events / bareMs) * 1_000),
  });
}

async function verified(store: EventStore, db: Kysely<Tables>, name: string): Promise<void> {
  const reason = { who: 'bench', why: 'to measure' };
  await rebuildReadModel(store, model, { db, reason, proof: 'none' }).result();
  const before = process.memoryUsage().rss;
  let peak = before;
  const job = verifyReadModel(store, model, { db });
  const looking = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), lookEveryMs);
  // Between two steps nothing else has a turn on SQLite, so it looks there too.
  for await (const _ of job) peak = Math.max(peak, process.memoryUsage().rss);
  clearInterval(looking);
  const { tookMs, rows } = await job.result();
  const seconds = tookMs / 1_000;
  const ratio = (verifyBudgetSeconds * (rows / 1_000_000)) / seconds; // Of fewer events, in proportion.
  print({
    ratio: significant(ratio),
    isMet: ratio >= 1,
    question: `verify of ${rows} events on ${name} in ${verifyBudgetSeconds} s for a million`,
    seconds: significant(seconds),
    peakMegabytes: megabytes(peak),
    peakMoreMegabytes: megabytes(peak - before),
  });
  await db.destroy();
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}

async function fill(store: EventStore, count: number): Promise<void> {
  for (let from = 0; from < count; from += 1_000) {
    const length = Math.min(1_000, count - from);
    const events = Array.from({ length }, (_, index) =>
      jsonEvent({ type: 'PaymentAuthorized', data: row(from + index) }),
    );
    await store.append(streamName(`Payment-${from}`), events, { expected: 'no-stream' });
  }
}

function row(index: number): Tables['payment'] {
  return { id: `payment-${index}`, amount: index, currency: 'USD' };
}

async function makePayment(db: Kysely<Tables>): Promise<void> {
  await db.schema
    .createTable('payment')
    .addColumn('id', 'varchar(40)', (column) => column.primaryKey())
    .addColumn('amount', 'integer')
    .addColumn('currency', 'varchar(3)')
    .execute();
}

async function insertAll(db: Kysely<Tables>, count: number): Promise<void> {
  await makePayment(db);
  for (let from = 0; from < count; from += 500) {
    await db.transaction().execute(async (tx) => {
      for (let index = from; index < Math.min(count, from + 500); index++) {
        await tx.insertInto('payment').values(row(index)).execute();
      }
    });
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function openSqlite(name: string): Kysely<Tables> {
  const database = new DatabaseSync(join(folder, `${name}.db`));
  database.exec('PRAGMA journal_mode = WAL');
  return new Kysely<Tables>({ dialect: nodeSqliteDialect(database) });
}
