import type { Kysely } from 'kysely';

import type { Reason } from '../consumer/control.ts';
import { InvalidOption } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import type { Position } from '../store/position.ts';
import { booksOf, findCheckpoint, firstRow, makeBooks } from './bookkeeping.ts';
import { catchUp } from './catch-up.ts';
import { temporaryCopy } from './copy.ts';
import { NeedsRebuild, NotLocated } from './errors.ts';
import { jobOf, type Job, type Steps } from './job.ts';
import { hasPositions, locateSteps, placeAt, type LocateOptions, type SettledLocate } from './locate.ts';
import { positionColumn, tableName } from './naming.ts';
import { numbersAt } from './numbers-at.ts';
import type { ReadModel } from './read-model.ts';
import { record } from './record.ts';
import { settledVerify, verifyAgainst, type VerifyReport } from './verify.ts';

/** How tables are taken over. */
export interface AdoptOptions<Tables = never> extends LocateOptions<Tables> {
  /** Kept in the log. */
  readonly reason: Reason;
}

/** What was taken over. */
export interface AdoptReport {
  readonly model: string;
  /** The last event that the tables had seen. */
  readonly from: Position | undefined;
  /** What said so. */
  readonly basis: 'checkpoint' | 'positions' | 'rows';
  /** Events that were projected after it. */
  readonly events: number;
  /** What a comparison found in the end. */
  readonly verified: VerifyReport;
}

/**
 * Takes over tables that came from a backup, or from elsewhere: finds the last event they have seen, holds it against
 * the log, projects what came after, and compares everything. Repair what it finds.
 *
 * @throws LogRestored when the tables have seen events that the log does not have.
 * @throws NeedsRebuild when the checkpoint says that other code has built the tables. Nothing is changed then.
 * @throws NotLocated when the tables agree with no state of the log.
 */
export function adoptReadModel<Tables>(
  store: EventStore,
  model: ReadModel,
  options: AdoptOptions<Tables>,
): Job<AdoptReport> {
  if (options.reason.who === '' || options.reason.why === '') throw new InvalidOption('reason', 'say who, and why');
  const { db, now, signal } = settledVerify({ ...options });
  return jobOf(adoptSteps(store, model, { db, now, signal, reason: options.reason }));
}

async function* adoptSteps(
  store: EventStore,
  model: ReadModel,
  options: SettledLocate & { readonly reason: Reason },
): Steps<AdoptReport> {
  const { db, reason } = options;
  const books = booksOf(db);
  await makeBooks(books);
  const known = await findCheckpoint(books, model.name);
  // Before anybody is shut out: rows by the handlers of both would be right for neither.
  if (known !== undefined && known.code !== model.code) throw new NeedsRebuild(model.name);
  const start =
    known === undefined
      ? yield* markFound(store, model, options)
      : { from: known.position, basis: 'checkpoint' as const };
  const { events } = yield* catchUp(store, model, options);
  await using temporary = await temporaryCopy(store, model, options);
  const settled = settledVerify({ ...options, signal: options.signal ?? new AbortController().signal });
  const verified = yield* verifyAgainst(store, model, { ...settled, db, copy: temporary.copy });
  const { differing, position: to } = verified;
  await record(store, model, { type: 'ReadModelAdopted', reason, facts: { ...start, to, events, differing } });
  return { model: model.name, ...start, events, verified };
}

/** Finds out where the tables are, and writes the checkpoint that says so. */
async function* markFound(
  store: EventStore,
  model: ReadModel,
  options: SettledLocate,
): Steps<{ readonly from: Position | undefined; readonly basis: 'positions' | 'rows' }> {
  const { db, now } = options;
  const located = yield* locateSteps(store, model, options);
  const { position: at, basis } = located;
  if (at === undefined) throw new NotLocated(model.name);
  if (!(await hasPositions(db, model))) yield* addPositions(store, model, { ...options, upTo: at });
  const { logId = null, epoch = null } = await store.head();
  const event = await placeAt(store, at);
  const books = booksOf(db);
  const row = firstRow({ name: model.name, code: model.code, updated_at: now(), log_id: logId, epoch });
  const eventId = event?.id ?? '';
  const numbers = await numbersAt(store, model, at);
  await books.transaction().execute(async (tx) => {
    await tx
      .insertInto('daybook_read_model')
      .values({ ...row, position: at, event_id: eventId, seen_position: at })
      .execute();
    for (const [source, number] of numbers) {
      const place = { model: model.name, source, number, position: at, event_id: eventId };
      await tx.insertInto('daybook_read_model_source').values(place).execute();
    }
  });
  return { from: at, basis };
}

/** Gives rows that do not say where they come from the positions that the log gives them. */
async function* addPositions(
  store: EventStore,
  model: ReadModel,
  options: SettledLocate & { readonly upTo: Position },
): Steps<void> {
  const { db, upTo } = options;
  await using temporary = await temporaryCopy(store, model, options);
  yield* temporary.copy.foldTo(upTo);
  const plain: Kysely<Record<string, Record<string, unknown>>> = db.withoutPlugins();
  for (const [table, { key }] of Object.entries(model.tables)) {
    const from = tableName(table, temporary.copy.naming);
    await plain.schema.alterTable(table).addColumn(positionColumn, 'bigint').execute();
    await plain
      .updateTable(table)
      .set((eb) => ({
        [positionColumn]: eb
          .selectFrom(from)
          .select(`${from}.${positionColumn}`)
          .where((where) =>
            where.and(key.map((column) => where(where.ref(`${from}.${column}`), '=', where.ref(`${table}.${column}`)))),
          ),
      }))
      .execute();
  }
}
