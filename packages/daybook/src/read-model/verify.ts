import type { Kysely } from 'kysely';

import { InvalidOption } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import { position, type Position } from '../store/position.ts';
import { booksOf, type Checkpoint } from './bookkeeping.ts';
import { checkLog } from './check-log.ts';
import { classify } from './classify.ts';
import { compareTables, type Compared, type Difference } from './compare.ts';
import { knownCheckpoint, temporaryCopy, type Copy } from './copy.ts';
import type { Drift } from './drift.ts';
import { jobOf, type Job, type Steps } from './job.ts';
import { live } from './naming.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';
import { keyText } from './rows.ts';
import { traceRows, watchedName } from './trace.ts';
import { Stages } from './try-stories.ts';

/** How a read model is verified. */
export interface VerifyOptions<Tables = never> {
  /** The database of the tables. While it is read projecting goes on, on SQLite when this is a connection of its own. */
  readonly db: Kysely<Tables>;
  /** The part of all keys that is compared, from 0 to 1. The log is folded whatever it is. Default: 1. */
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
  const compared = yield* compareTables({ ...options, model });
  const { differences, differing, rows, position: at } = compared;
  const explained = yield* explain(store, model, {
    ...options,
    checkpoint,
    upTo: at,
    differences: differences.slice(0, explainAtMost),
  });
  if (differing === 0 && options.share === 1) await rememberVerified(checkpoint, compared, options);
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

async function* explain(
  store: EventStore,
  model: ReadModel,
  options: SettledVerify & {
    readonly checkpoint: Checkpoint;
    readonly upTo: Position;
    readonly differences: readonly Difference[];
  },
): Steps<readonly Drift[]> {
  const { db, differences, checkpoint } = options;
  const isCodeChanged = checkpoint.code !== model.code;
  if (differences.length === 0) return [];
  const histories = yield* traceRows(store, model, { ...options, rows: differences });
  await using stages = new Stages(db, model);
  const drift: Drift[] = [];
  for (const difference of differences) {
    const shape = model.tables[difference.table] ?? { key: [] };
    const history = histories.get(watchedName(difference.table, keyText(difference.key, shape))) ?? [];
    drift.push(await classify(difference, { stages, model, history, isCodeChanged }));
  }
  return drift;
}

function unexplained({ table, key, columns }: Difference): Drift {
  return { table, key, columns, class: 'unexplained', since: undefined };
}

/** So that "when did it last agree?" is a query. */
async function rememberVerified(
  { name }: Checkpoint,
  { position: at }: Compared,
  { db, now }: SettledVerify,
): Promise<void> {
  await booksOf(db)
    .updateTable('daybook_read_model')
    .set({ verified_position: at, verified_at: now() })
    .where('name', '=', name)
    .execute();
}
