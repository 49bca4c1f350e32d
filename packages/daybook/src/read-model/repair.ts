import { pauseIn, readControls, type Reason } from '../consumer/control.ts';
import { InvalidOption } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import type { Position } from '../store/position.ts';
import { catchUp } from './catch-up.ts';
import { knownCheckpoint, temporaryCopy } from './copy.ts';
import type { Drift } from './drift.ts';
import { jobOf, Pace, type Job, type Steps } from './job.ts';
import type { LockPatience } from './locks.ts';
import { putRight } from './put-right.ts';
import type { ReadModel } from './read-model.ts';
import { rebuildSteps } from './rebuild.ts';
import { record } from './record.ts';
import {
  rememberVerified,
  settledVerify,
  verifyAgainst,
  type SettledVerify,
  type VerifyOptions,
  type VerifyReport,
} from './verify.ts';

/** How a read model is repaired. */
export interface RepairOptions<Tables = never>
  extends Omit<VerifyOptions<Tables>, 'share' | 'differencesAtMost'>, LockPatience {
  /** Kept in the log. */
  readonly reason: Reason;
  /** So many rows are put right one by one. When more differ, the tables are built anew beside. Default: 10,000. */
  readonly inPlaceAtMost?: number;
}

/**
 * The way a repair goes.
 *
 * - `none`: nothing is missing at the end and nothing differs.
 * - `project`: what is missing at the end is projected, and nothing differs.
 * - `in-place`: the rows that differ are replaced, in one transaction.
 * - `rebuild`: the tables are built anew beside the old ones, proven, and put in their place.
 */
export type RepairWay = 'none' | 'project' | 'in-place' | 'rebuild';

/** A pause that a person asked for, and that a repair leaves as it is. */
export interface StandingPause extends Reason {
  readonly until: Date;
}

/** What shows that a repair has repaired. */
export interface RepairProof {
  /** Every row was compared with the log before it was committed; or the new tables with a second fold of it, before they were shown. */
  readonly basis: 'compared' | 'folded-twice';
  readonly position: Position;
  readonly rows: number;
  /** Rows that still differ: 0, or nothing would have been committed. */
  readonly differing: number;
}

/** What a repair found and did. */
export interface RepairReport {
  readonly model: string;
  readonly way: RepairWay;
  /** Where the tables were before. */
  readonly from: Position | undefined;
  /** Up to which event they are right now. */
  readonly to: Position;
  /** Events that were missing at the end and were projected; of a rebuild, all that were folded for it besides. */
  readonly events: number;
  /** How long projecting what was missing took. The rest is comparing, and putting right. */
  readonly projectingMs: number;
  /** Rows that differed, and were put right or replaced. */
  readonly rows: number;
  /** What was wrong with them, as far as it was looked into. */
  readonly drift: readonly Drift[];
  /** The instance that held the lease, and was shut out while events were projected. */
  readonly fenced: string | undefined;
  /** The read model is paused still: nothing is projected until then. */
  readonly paused: StandingPause | undefined;
  readonly proof: RepairProof;
  readonly tookMs: number;
}

const inPlaceAtMostDefault = 10_000;

/**
 * Makes the tables what the log says, by the way that costs least: projects what is missing at the end, compares
 * everything, and puts the rows that differ right, in one transaction; or builds the tables anew beside, when too many
 * differ or they were built by other code. What was done is kept in the log. Stopped anywhere, it can be given again.
 *
 * An instance that holds the lease is shut out while events are projected, and goes on by itself afterwards. A read model
 * that is paused stays paused.
 *
 * @throws LogRestored, ReadModelMissing as `verifyReadModel` does.
 * @throws ReadModelLocked when an open transaction holds the checkpoint, such as a batch of a process that is stopped.
 * @throws NotPutRight when the rows that differ cannot be put right one by one. Nothing is changed then.
 * @throws RebuildUnderWay, RebuildNotProven as `rebuildReadModel` does.
 */
export function repairReadModel<Tables>(
  store: EventStore,
  model: ReadModel,
  options: RepairOptions<Tables>,
): Job<RepairReport> {
  const { reason } = options;
  if (reason.who === '' || reason.why === '') throw new InvalidOption('reason', 'say who, and why');
  return jobOf(repairSteps(store, model, { ...settledRepair(options), reason }));
}

/** The options with everything that was left out. */
export interface SettledRepair extends SettledVerify, LockPatience {
  readonly inPlaceAtMost: number;
}

export function settledRepair<Tables>(options: Omit<RepairOptions<Tables>, 'reason'>): SettledRepair {
  const { inPlaceAtMost = inPlaceAtMostDefault, lockWaitMs } = options;
  if (!Number.isSafeInteger(inPlaceAtMost) || inPlaceAtMost < 0)
    throw new InvalidOption('inPlaceAtMost', 'it is a whole number from 0 on');
  return { ...settledVerify({ ...options, differencesAtMost: Math.max(1, inPlaceAtMost) }), inPlaceAtMost, lockWaitMs };
}

/** The pause that holds now, if one does. */
export async function standingPause(
  store: EventStore,
  model: ReadModel,
  now: () => number,
): Promise<StandingPause | undefined> {
  const pause = pauseIn(await readControls(store, model.name), now());
  return pause && { who: pause.who, why: pause.why, until: pause.until };
}

/** What a way came to. */
type Mended = Pick<RepairReport, 'way' | 'events' | 'projectingMs' | 'rows' | 'drift' | 'fenced' | 'proof'>;

type RepairNeeds = SettledRepair & { readonly reason: Reason };

async function* repairSteps(store: EventStore, model: ReadModel, options: RepairNeeds): Steps<RepairReport> {
  const began = performance.now();
  const { position: from, code } = await knownCheckpoint(options.db, model);
  // Rows that other code made differ as a whole, and their columns may be others.
  const mended = code === model.code ? yield* mend(store, model, options) : yield* replace(store, model, options);
  const report = {
    model: model.name,
    from,
    to: mended.proof.position,
    ...mended,
    paused: await standingPause(store, model, options.now),
    tookMs: performance.now() - began,
  };
  const kept = report.drift
    .slice(0, driftKept)
    .map(({ table, key, class: kind, since }) => ({ table, key, class: kind, since }));
  const { reason } = options;
  await record(store, model, { type: 'ReadModelRepaired', reason, facts: { ...report, drift: kept } });
  return report;
}

/** Differences that are kept in the log, of a repair that found more. */
const driftKept = 100;

async function* mend(store: EventStore, model: ReadModel, options: RepairNeeds): Steps<Mended> {
  const began = performance.now();
  const { events, fenced } = yield* catchUp(store, model, options);
  const done = { events, fenced, projectingMs: performance.now() - began };
  const found = yield* compareAndPutRight(store, model, options);
  if (found.proof !== undefined) return { ...done, ...found, way: wayOf(done.events, found), proof: found.proof };
  const rebuilt = yield* replace(store, model, options);
  return { ...rebuilt, ...done, events: done.events + rebuilt.events, rows: found.rows, drift: found.drift };
}

function wayOf(events: number, { rows }: Pick<RepairReport, 'rows'>): RepairWay {
  if (rows > 0) return 'in-place';
  return events > 0 ? 'project' : 'none';
}

/** Without a proof when more rows differ than are put right one by one. */
type Found = Pick<RepairReport, 'rows' | 'drift'> & { readonly proof: RepairProof | undefined };

async function* compareAndPutRight(store: EventStore, model: ReadModel, options: RepairNeeds): Steps<Found> {
  await using temporary = await temporaryCopy(store, model, options);
  const { copy } = temporary;
  const report = yield* verifyAgainst(store, model, { ...options, copy });
  const { differing: rows, drift } = report;
  if (rows === 0) return { rows, drift, proof: { basis: 'compared', differing: 0, ...sizeOf(report) } };
  if (rows > options.inPlaceAtMost) return { rows, drift, proof: undefined };
  const pace = new Pace('repairing', { total: rows });
  const right = await putRight(model, { ...options, copy, drift });
  yield pace.advance(rows);
  await rememberVerified(model.name, right.position, options);
  return { rows, drift, proof: { basis: 'compared', differing: 0, ...right } };
}

function sizeOf({ position, rows }: Pick<VerifyReport, 'position' | 'rows'>): Pick<RepairProof, 'position' | 'rows'> {
  return { position, rows };
}

/** Builds the tables anew, and shows them in place of the old ones. */
async function* replace(store: EventStore, model: ReadModel, options: RepairNeeds): Steps<Mended> {
  const { position, events, diff } = yield* rebuildSteps(store, model, { ...options, proof: 'fold-twice' });
  const rows = diff.reduce((sum, each) => sum + each.rows, 0);
  return {
    way: 'rebuild',
    events,
    projectingMs: 0,
    rows: diff.reduce((sum, { added, removed, changed }) => sum + added + removed + changed, 0),
    drift: [],
    fenced: undefined,
    proof: { basis: 'folded-twice', position, rows, differing: 0 },
  };
}
