import { thisHost } from '../consumer/host.ts';
import type { EventStore } from '../store/event-store.ts';
import type { Position } from '../store/position.ts';
import { knownCheckpoint, temporaryCopy } from './copy.ts';
import type { Drift } from './drift.ts';
import { jobOf, type Job, type Progress, type Steps } from './job.ts';
import { isHeld } from './lease.ts';
import { lookAtReadModel } from './look-at-read-model.ts';
import type { ReadModel } from './read-model.ts';
import {
  settledRepair,
  standingPause,
  type RepairOptions,
  type RepairWay,
  type SettledRepair,
  type StandingPause,
} from './repair.ts';
import { verifyAgainst, type VerifyReport } from './verify.ts';

/** What a repair would do now, and about how long it would take. */
export interface RepairPlan {
  readonly model: string;
  readonly way: RepairWay;
  /** Where the tables are. */
  readonly position: Position | undefined;
  /** Events that are missing at the end. */
  readonly lagEvents: number;
  /** Rows that differ from the log up to where the tables are, and how. */
  readonly rows: number;
  readonly drift: readonly Drift[];
  /** The tables were built by other code. */
  readonly isCodeChanged: boolean;
  /** The instance that holds the lease, and would be shut out while what is missing is looked for and projected. */
  readonly fences: string | undefined;
  /** The pause that would go on afterwards. */
  readonly paused: StandingPause | undefined;
  /** Reckoned from how long comparing took just now. */
  readonly estimatedMs: number;
}

/**
 * Compares everything, as a repair would, and says which way it would go. Changes nothing.
 *
 * @throws LogRestored, ReadModelMissing as `verifyReadModel` does.
 */
export function planRepair<Tables>(
  store: EventStore,
  model: ReadModel,
  options: Omit<RepairOptions<Tables>, 'reason'>,
): Job<RepairPlan> {
  return jobOf(planSteps(store, model, settledRepair(options)));
}

async function* planSteps(store: EventStore, model: ReadModel, options: SettledRepair): Steps<RepairPlan> {
  const { db, now } = options;
  const host = thisHost();
  const before = await knownCheckpoint(db, model);
  const isOwned = isHeld(before, { isGone: (owner) => host.isGone(owner), now });
  const { lagEvents } = await lookAtReadModel(store, model, { db, now });
  const { report, folding } = yield* timed(store, model, options);
  const { position, drift, differing: rows, isCodeChanged } = report;
  const way = wayFor({ rows, lagEvents, isCodeChanged }, options);
  return {
    model: model.name,
    way,
    position,
    lagEvents,
    rows,
    drift,
    isCodeChanged,
    fences: isOwned && !isCodeChanged ? before.owner : undefined,
    paused: await standingPause(store, model, now),
    estimatedMs: estimate(way, { ...timesOf(report, folding), lagEvents, isCodeChanged }),
  };
}

/** Which way costs least. */
function wayFor(
  { rows, lagEvents, isCodeChanged }: Pick<RepairPlan, 'rows' | 'lagEvents' | 'isCodeChanged'>,
  { inPlaceAtMost }: Pick<SettledRepair, 'inPlaceAtMost'>,
): RepairWay {
  if (isCodeChanged || rows > inPlaceAtMost) return 'rebuild';
  if (rows > 0) return 'in-place';
  return lagEvents > 0 ? 'project' : 'none';
}

/** What comparing took, apart. */
interface Times {
  readonly events: number;
  readonly foldingMs: number;
  readonly comparingMs: number;
}

/** About how long a way takes: what it folds and compares, at the speed at which that went just now. */
function estimate(way: RepairWay, times: Times & Pick<RepairPlan, 'lagEvents' | 'isCodeChanged'>): number {
  const { events, foldingMs, comparingMs, lagEvents, isCodeChanged } = times;
  const lagMs = events === 0 ? 0 : (foldingMs / events) * lagEvents;
  const comparedMs = foldingMs + lagMs + comparingMs;
  const builtMs = 2 * (foldingMs + lagMs) + 2 * comparingMs; // Twice folded, and compared with each other and the old.
  switch (way) {
    case 'none':
    case 'project':
      return lagMs + comparedMs;
    case 'in-place':
      return lagMs + comparedMs + comparingMs;
    case 'rebuild':
      return isCodeChanged ? builtMs : lagMs + comparedMs + builtMs;
    default:
      way satisfies never;
      return 0;
  }
}

function timesOf({ tookMs }: VerifyReport, folding: Progress | undefined): Times {
  const { done: events = 0, perSecond = 0 } = folding ?? {};
  const foldingMs = perSecond === 0 ? 0 : (events / perSecond) * 1_000;
  return { events, foldingMs, comparingMs: Math.max(0, tookMs - foldingMs) };
}

/** Compares, and keeps how the folding went: the longest part of it. */
async function* timed(
  store: EventStore,
  model: ReadModel,
  options: SettledRepair,
): Steps<{ readonly report: VerifyReport; readonly folding: Progress | undefined }> {
  await using temporary = await temporaryCopy(store, model, options);
  const steps = verifyAgainst(store, model, { ...options, copy: temporary.copy });
  let folding: Progress | undefined;
  for (;;) {
    const step = await steps.next();
    if (step.done === true) return { report: step.value, folding };
    if (step.value.phase === 'folding' && step.value.done >= (folding?.done ?? 0)) folding = step.value;
    yield step.value;
  }
}
