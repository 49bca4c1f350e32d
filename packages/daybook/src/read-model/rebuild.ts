import type { Kysely, Transaction } from 'kysely';

import { systemClock } from '../consumer/clock.ts';
import type { Reason } from '../consumer/control.ts';
import { thisHost } from '../consumer/host.ts';
import { InvalidOption } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import { position, type Position } from '../store/position.ts';
import { booksOf, findCheckpoint, makeBooks, type Checkpoint } from './bookkeeping.ts';
import { Copy, dropCopy, temporaryCopy } from './copy.ts';
import { existingTable } from './create-tables.ts';
import { diffTables, type TableDiff } from './diff-tables.ts';
import { endedWithin } from './ended-within.ts';
import { ReadModelLocked, RebuildNotProven, RebuildUnderWay } from './errors.ts';
import { jobOf, Pace, type Job, type Steps } from './job.ts';
import { isHeld } from './lease.ts';
import { transactionWithin, type LockPatience } from './locks.ts';
import { checkpointName, live, type Naming } from './naming.ts';
import { heldStill } from './put-right.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';
import { record } from './record.ts';
import { copiesNamed, previousSuffix, renameCopy } from './rename-copy.ts';

/** How a read model is rebuilt. */
export interface RebuildOptions<Tables = never> extends LockPatience {
  readonly db: Kysely<Tables>;
  /** Kept in the log. */
  readonly reason: Reason;
  /**
   * `fold-twice` folds the log a second time and compares, before the new tables are shown: so what depends on more than
   * the events is found. `none` takes half as long. Default: `fold-twice`.
   */
  readonly proof?: 'fold-twice' | 'none';
  readonly signal?: AbortSignal;
  /** The clock, in milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number;
}

/** What a rebuild did. */
export interface RebuildReport {
  readonly model: string;
  /** Up to which event the new tables were when they were shown. */
  readonly position: Position;
  readonly events: number;
  /** What changed for readers. Empty when there was nothing before. */
  readonly diff: readonly TableDiff[];
  readonly tookMs: number;
}

/**
 * Builds the tables anew beside the old ones, proves them, says what changes, and puts them in their place in one
 * transaction: readers never see an empty or half-filled table. A rebuild that was stopped goes on where it was. The old
 * tables stay until the next rebuild, for `switchBack`.
 *
 * @throws RebuildUnderWay when an instance that may be alive builds them already.
 * @throws ReadModelLocked when somebody's open transaction holds the tables, and they cannot be switched. Given again, it
 *   goes on there.
 * @throws RebuildNotProven when the log, folded twice, gives different rows. The old tables stay in place.
 */
export function rebuildReadModel<Tables>(
  store: EventStore,
  model: ReadModel,
  options: RebuildOptions<Tables>,
): Job<RebuildReport> {
  const { reason, proof = 'fold-twice', signal, now = Date.now, lockWaitMs } = options;
  if (reason.who === '' || reason.why === '') throw new InvalidOption('reason', 'say who, and why');
  // The model's own code is the only one that knows the columns.
  const db = options.db as unknown as Kysely<UntypedTables>;
  return jobOf(rebuildSteps(store, model, { db, reason, proof, signal, now, lockWaitMs }));
}

const nextSuffix = '__next_';

export interface SettledRebuild extends LockPatience {
  readonly db: Kysely<UntypedTables>;
  readonly reason: Reason;
  readonly proof: 'fold-twice' | 'none';
  readonly signal: AbortSignal | undefined;
  readonly now: () => number;
}

export async function* rebuildSteps(
  store: EventStore,
  model: ReadModel,
  options: SettledRebuild,
): Steps<RebuildReport> {
  const copy = await nextCopy(store, model, options);
  try {
    return yield* buildAndShow(store, model, { ...options, copy });
  } finally {
    // When the database does not answer, the lease runs out by itself.
    await endedWithin(releaseMs, copy.release(), systemClock);
  }
}

/** To give the lease back may take so long: a transaction that was given up may still hold its row. */
const releaseMs = 500;

async function* buildAndShow(
  store: EventStore,
  model: ReadModel,
  options: SettledRebuild & { readonly copy: Copy },
): Steps<RebuildReport> {
  const began = performance.now();
  const { db, reason, copy } = options;
  let events = 0;
  const { position: head = position(0n) } = await store.head();
  for await (const progress of copy.foldTo(head)) {
    events = progress.done;
    yield progress;
  }
  if (options.proof === 'fold-twice') yield* copy.keptDuring(prove(store, model, options));
  const before = await findCheckpoint(booksOf(db), model.name);
  const diff =
    before === undefined ? [] : yield* copy.keptDuring(diffTables(db, model, { from: live, to: copy.naming }));
  const pace = new Pace('switching', { total: 1 });
  const at = await switchTo(model, copy, options);
  yield pace.advance(1);
  const report = { model: model.name, position: at, events, diff, tookMs: performance.now() - began };
  await record(store, model, {
    type: 'ReadModelRebuilt',
    reason,
    facts: { ...report, code: model.code, replaced: before?.code },
  });
  return report;
}

/**
 * The copy that is being built: one that was left half way goes on, unless the code is another by now.
 *
 * @throws RebuildUnderWay when an instance that may be alive builds one.
 */
async function nextCopy(store: EventStore, model: ReadModel, options: SettledRebuild): Promise<Copy> {
  const { db, now } = options;
  const books = booksOf(db);
  await makeBooks(books);
  await refuseUnderWay(model, options);
  for (const naming of await copiesNamed(db, model, nextSuffix)) {
    const found = await findCheckpoint(books, checkpointName(model, naming));
    if (found?.code === model.code) return Copy.takeLeft(store, model, { ...options, naming });
    await dropCopy(db, model, naming);
  }
  const naming = { suffix: `${nextSuffix}${now().toString(36)}` };
  const copy = await Copy.open(store, model, { ...options, naming });
  try {
    await refuseUnderWay(model, { ...options, besides: naming }); // Two may have begun in the same moment.
  } catch (error) {
    await copy.drop();
    throw error;
  }
  return copy;
}

/** @throws RebuildUnderWay when an instance that may be alive builds a copy. */
async function refuseUnderWay(
  model: ReadModel,
  { db, now, besides }: SettledRebuild & { readonly besides?: Naming },
): Promise<void> {
  const host = thisHost();
  for (const naming of await copiesNamed(db, model, nextSuffix)) {
    if (naming.suffix === besides?.suffix) continue;
    const found = await findCheckpoint(booksOf(db), checkpointName(model, naming));
    if (found?.owner === undefined || !isHeld(found, { isGone: (owner) => host.isGone(owner), now })) continue;
    throw new RebuildUnderWay(model.name, found.owner);
  }
}

async function* prove(
  store: EventStore,
  model: ReadModel,
  options: SettledRebuild & { readonly copy: Copy },
): Steps<void> {
  const { db, copy } = options;
  await using temporary = await temporaryCopy(store, model, options);
  yield* temporary.copy.foldTo(copy.position);
  const diff = yield* diffTables(db, model, { from: copy.naming, to: temporary.copy.naming });
  const differing = diff.reduce((sum, { added, removed, changed }) => sum + added + removed + changed, 0);
  if (differing === 0) return;
  await copy.drop();
  throw new RebuildNotProven(model.name, differing);
}

/** Shows the new tables in place of the old ones. Gives up to which event they are. */
async function switchTo(model: ReadModel, copy: Copy, options: SettledRebuild): Promise<Position> {
  const { db, now, signal, lockWaitMs } = options;
  const older = await copiesNamed(db, model, previousSuffix);
  const hasTables = (await existingTable(db, model, live)) !== undefined;
  const at = await transactionWithin(db, { model, lockWaitMs, signal }, async (tx) => {
    const before = hasTables ? await held(tx, model, now) : undefined;
    await copy.renew(tx); // Else somebody has taken it for left behind, and goes on with it.
    const upTo = before?.position ?? position(0n);
    if (upTo > copy.position) await copy.foldWithin(tx, upTo);
    const token = (before?.token ?? 0n) + 1n;
    if (before !== undefined) {
      const aside = { suffix: `${previousSuffix}${now().toString(36)}` };
      await renameCopy(tx, model, { from: live, to: aside, token });
    }
    await renameCopy(tx, model, { from: copy.naming, to: live, token: token + 1n });
    return upTo > copy.position ? upTo : copy.position;
  });
  for (const naming of older) await dropUnlessRead(model, naming, options);
  return at;
}

/** The tables before the previous ones. While somebody reads them they stay, until the next rebuild. */
async function dropUnlessRead(model: ReadModel, naming: Naming, { db }: SettledRebuild): Promise<void> {
  try {
    await dropCopy(db, model, naming, { lockWaitMs: 0 });
  } catch (error) {
    if (!(error instanceof ReadModelLocked)) throw error;
  }
}

async function held(
  tx: Transaction<UntypedTables>,
  model: ReadModel,
  now: () => number,
): Promise<Checkpoint | undefined> {
  if ((await findCheckpoint(booksOf(tx), model.name)) === undefined) return undefined;
  return heldStill(tx, model, now);
}
