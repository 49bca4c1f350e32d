import type { Transaction } from 'kysely';

import type { Reason } from '../consumer/control.ts';
import { InvalidOption } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import { position, type Position } from '../store/position.ts';
import { booksOf, type Checkpoint } from './bookkeeping.ts';
import { catchUp } from './catch-up.ts';
import { knownCheckpoint, temporaryCopy, type Copy } from './copy.ts';
import type { Drift } from './drift.ts';
import { TooManyDifferences } from './errors.ts';
import { jobOf, Pace, type Job, type Steps } from './job.ts';
import { live, tableName } from './naming.ts';
import type { ReadModel, TableShape, UntypedTables } from './read-model.ts';
import { record } from './record.ts';
import { rowsWithKeys, type Row } from './rows.ts';
import { settledVerify, verifyAgainst, type SettledVerify, type VerifyOptions, type VerifyReport } from './verify.ts';

/** How a read model is repaired. */
export interface RepairOptions<Tables = never> extends Omit<VerifyOptions<Tables>, 'share' | 'differencesAtMost'> {
  /** Kept in the log. */
  readonly reason: Reason;
}

/** What a repair found and did. */
export interface RepairReport {
  readonly model: string;
  /** Where the tables were before. */
  readonly from: Position | undefined;
  /** Up to which event they are right now. */
  readonly to: Position;
  /** Events that were missing at the end and were projected. */
  readonly events: number;
  /** How long that took. The rest is comparing, and putting right. */
  readonly projectingMs: number;
  /** Rows that were put right. */
  readonly rows: number;
  /** What was wrong with them. */
  readonly drift: readonly Drift[];
  readonly tookMs: number;
}

/** Rows that one repair puts right. With more of them a rebuild is the better way. */
const repairAtMost = 10_000;

/**
 * Makes the tables what the log says: projects what is missing at the end, unless an instance does so already, compares
 * everything, and puts the rows that differ right, in one transaction. What was done is kept in the log.
 *
 * @throws LogRestored, ReadModelMissing as `verifyReadModel` does.
 * @throws TooManyDifferences when a rebuild is the better way. Nothing was put right.
 */
export function repairReadModel<Tables>(
  store: EventStore,
  model: ReadModel,
  options: RepairOptions<Tables>,
): Job<RepairReport> {
  if (options.reason.who === '' || options.reason.why === '') throw new InvalidOption('reason', 'say who, and why');
  const settled = settledVerify({ ...options, differencesAtMost: repairAtMost });
  return jobOf(repairSteps(store, model, { ...settled, reason: options.reason }));
}

async function* repairSteps(
  store: EventStore,
  model: ReadModel,
  options: SettledVerify & { readonly reason: Reason },
): Steps<RepairReport> {
  const began = performance.now();
  const { db, reason } = options;
  const { position: from } = await knownCheckpoint(db, model);
  const events = yield* catchUp(store, model, options);
  const projectingMs = performance.now() - began;
  await using temporary = await temporaryCopy(store, model, options);
  const report = yield* verifyAgainst(store, model, { ...options, copy: temporary.copy });
  if (report.differing > report.drift.length) throw new TooManyDifferences(model.name, report.differing, repairAtMost);
  const pace = new Pace('repairing', { total: report.drift.length });
  const to = await putRight(model, report, { ...options, copy: temporary.copy });
  yield pace.advance(report.drift.length);
  const { drift, differing: rows } = report;
  const tookMs = performance.now() - began;
  const kept = drift
    .slice(0, driftKept)
    .map(({ table, key, class: kind, since }) => ({ table, key, class: kind, since }));
  await record(store, model, {
    type: 'ReadModelRepaired',
    reason,
    facts: { from, to, events, projectingMs, rows, tookMs, drift: kept },
  });
  return { model: model.name, from, to, events, projectingMs, rows, drift, tookMs };
}

/** Differences that are kept in the log, of a repair that found more. */
const driftKept = 100;

/** Replaces the rows that differ by those of the copy, as of the live checkpoint, which stands still meanwhile. */
async function putRight(
  model: ReadModel,
  report: VerifyReport,
  { db, copy, now }: SettledVerify & { readonly copy: Copy },
): Promise<Position> {
  return db.transaction().execute(async (tx) => {
    const checkpoint = await heldStill(tx, model, now);
    const at = checkpoint.position ?? position(0n);
    await copy.foldWithin(tx, at);
    for (const [table, shape] of Object.entries(model.tables)) {
      const keys = report.drift.filter((drift) => drift.table === table).map(({ key }) => key);
      if (keys.length > 0) await replaceRows(tx, { table, shape, keys, from: tableName(table, copy.naming) });
    }
    await booksOf(tx)
      .updateTable('daybook_read_model')
      .set({ code: model.code, verified_position: at, verified_at: now() })
      .where('name', '=', model.name)
      .execute();
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
