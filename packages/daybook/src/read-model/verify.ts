import type { Kysely } from 'kysely';

import { InvalidOption } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import { position, type Position } from '../store/position.ts';
import { booksOf } from './bookkeeping.ts';
import { checkLog } from './check-log.ts';
import { compareTables } from './compare.ts';
import { knownCheckpoint, temporaryCopy, type Copy } from './copy.ts';
import type { Drift } from './drift.ts';
import { explain, unexplained } from './explain.ts';
import { jobOf, type Job, type Steps } from './job.ts';
import { live } from './naming.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';
import { nextSample, rememberSample } from './sample.ts';

/** How a read model is verified. */
export interface VerifyOptions<Tables = never> {
  /** The database of the tables. While it is read projecting goes on, on SQLite when this is a connection of its own. */
  readonly db: Kysely<Tables>;
  /**
   * The part of all keys that is compared, from 0 to 1. The log is folded whatever it is. Each time it is the next part:
   * after `1 / share` times every row has been compared. Default: 1.
   */
  readonly share?: number;
  /** Differences in the report. All are counted. Default: 1,000. */
  readonly differencesAtMost?: number;
  /** Differences whose class and first event are looked for. Default: 200. */
  readonly explainAtMost?: number;
  readonly signal?: AbortSignal;
  /** The clock, in milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number;
}

/** What a comparison of the tables with the log found. */
export interface VerifyReport {
  readonly model: string;
  /** Up to which event the tables were compared. */
  readonly position: Position;
  readonly rows: number;
  /** How many rows differ, also beyond those that are listed. */
  readonly differing: number;
  readonly drift: readonly Drift[];
  /** The tables were built by other code than they were compared with. */
  readonly isCodeChanged: boolean;
  readonly tookMs: number;
}

/**
 * Folds the log into tables beside, and compares them with the live ones, row by row. Works on a live system.
 *
 * @throws ReadModelMissing when the read model has never run on this database.
 * @throws LogRestored when the tables were built from another log than this one.
 */
export function verifyReadModel<Tables>(
  store: EventStore,
  model: ReadModel,
  options: VerifyOptions<Tables>,
): Job<VerifyReport> {
  return jobOf(verifySteps(store, model, settledVerify(options)));
}

/** The options with everything that was left out. */
export interface SettledVerify {
  readonly db: Kysely<UntypedTables>;
  readonly share: number;
  readonly differencesAtMost: number;
  readonly explainAtMost: number;
  readonly signal: AbortSignal | undefined;
  readonly now: () => number;
}

export function settledVerify<Tables>(options: VerifyOptions<Tables>): SettledVerify {
  const { db, share = 1, differencesAtMost = 1_000, explainAtMost = 200, signal, now = Date.now } = options;
  if (!(share > 0 && share <= 1)) throw new InvalidOption('share', 'it is more than 0 and at most 1');
  // The model's own code is the only one that knows the columns.
  return { db: db as unknown as Kysely<UntypedTables>, share, differencesAtMost, explainAtMost, signal, now };
}

async function* verifySteps(store: EventStore, model: ReadModel, options: SettledVerify): Steps<VerifyReport> {
  await using temporary = await temporaryCopy(store, model, options);
  return yield* verifyAgainst(store, model, { ...options, copy: temporary.copy });
}

/** Verifies with a copy that the caller keeps. */
export async function* verifyAgainst(
  store: EventStore,
  model: ReadModel,
  options: SettledVerify & { readonly copy: Copy },
): Steps<VerifyReport> {
  const began = performance.now();
  const { db, copy, explainAtMost } = options;
  const checkpoint = await knownCheckpoint(db, model);
  await checkLog(store, { db, model, naming: live, checkpoint });
  yield* copy.foldTo(checkpoint.position ?? position(0n));
  const sample = await nextSample(db, model, options.share);
  const compared = yield* compareTables({ ...options, model, sample });
  const { differences, differing, rows, position: at } = compared;
  const explained = yield* explain(store, model, {
    ...options,
    isCodeChanged: checkpoint.code !== model.code,
    upTo: at,
    differences: differences.slice(0, explainAtMost),
  });
  await rememberSample(db, model, sample);
  if (differing === 0 && options.share === 1) await rememberVerified(model.name, at, options);
  return {
    model: model.name,
    position: at,
    rows,
    differing,
    drift: [...explained, ...differences.slice(explainAtMost).map(unexplained)],
    isCodeChanged: checkpoint.code !== model.code,
    tookMs: performance.now() - began,
  };
}

/** So that "when did it last agree?" is a query. */
export async function rememberVerified(
  name: string,
  at: Position,
  { db, now }: Pick<SettledVerify, 'db' | 'now'>,
): Promise<void> {
  await booksOf(db)
    .updateTable('daybook_read_model')
    .set({ verified_position: at, verified_at: now() })
    .where('name', '=', name)
    .execute();
}
