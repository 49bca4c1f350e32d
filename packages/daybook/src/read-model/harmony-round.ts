import { errorText } from '../consumer/failures.ts';
import type { Harmony, KeptDrift } from '../consumer/harmony.ts';
import { position, type Position } from '../store/position.ts';
import type { Drift } from './drift.ts';
import type { ReadModel } from './read-model.ts';
import { withoutBigints } from './record.ts';
import { placeIn, type SweepPlace } from './sweep.ts';

/** What a round of `verifyContinuously` has found, and what is known from those before. */
export interface HarmonyRound {
  readonly phase: 'round';
  readonly model: string;
  /** Up to which event both sides were compared. */
  readonly position: Position | undefined;
  /** How many rows the log makes, and how many of them were found to be there as they should be. */
  readonly rows: number;
  readonly verifiedRows: number;
  /** How many rows this round compared: those that events touched since the last one, those that differed, and a share. */
  readonly comparedRows: number;
  /** How many events it folded. */
  readonly events: number;
  /** How many rows differ. `drift` has the first 1,000 of them. */
  readonly differing: number;
  readonly drift: readonly Drift[];
  /** When rows were compared last. */
  readonly verifiedAt: Date | undefined;
  /** When the last row of all was reached: each has been compared since the time before. */
  readonly allVerifiedAt: Date | undefined;
  /** Why this round could not compare. The next one tries again. */
  readonly problem: unknown;
  readonly tookMs: number;
}

/** What is known before the first round. */
export function firstRound(model: string): HarmonyRound {
  return {
    phase: 'round',
    model,
    position: undefined,
    rows: 0,
    verifiedRows: 0,
    comparedRows: 0,
    events: 0,
    differing: 0,
    drift: [],
    verifiedAt: undefined,
    allVerifiedAt: undefined,
    problem: undefined,
    tookMs: 0,
  };
}

/** Where the next round goes on. */
export interface NextRound {
  readonly place: SweepPlace;
  /** Up to here the rows that events touched were compared. Absent: nowhere yet. */
  readonly touchedUpTo: Position | undefined;
}

/** The next round from what was kept of it. `undefined` when it is none of this model. */
export function nextIn(model: ReadModel, value: unknown): NextRound | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { place: keptPlace, touchedUpTo } = value as Readonly<Record<string, unknown>>;
  const place = placeIn(model, keptPlace);
  if (place === undefined) return undefined;
  return { place, touchedUpTo: positionIn(touchedUpTo) };
}

/** Rows that differ and are kept in the log. */
const keptDrift = 100;

/** A round as it is kept in the log. */
export function keptHarmony(
  round: HarmonyRound,
  facts: {
    readonly drift: readonly KeptDrift[];
    readonly next: NextRound | undefined;
    readonly unverifiedMs: number;
  },
): Harmony {
  const { model, position: at, rows, verifiedRows, differing, verifiedAt, allVerifiedAt, problem } = round;
  return withoutBigints({
    ...facts,
    drift: facts.drift.slice(0, keptDrift),
    model,
    position: at,
    rows,
    verifiedRows,
    differing,
    verifiedAt,
    allVerifiedAt,
    problem: problem === undefined ? undefined : errorText(problem),
  }) as Harmony; // JSON of one.
}

/** What is known from the rounds of an instance before. */
export function restoredRound(model: ReadModel, kept: Harmony | undefined): HarmonyRound {
  const first = firstRound(model.name);
  if (kept === undefined) return first;
  const { rows, verifiedRows, differing, verifiedAt, allVerifiedAt } = kept;
  return {
    ...first,
    position: positionIn(kept.position),
    rows,
    verifiedRows,
    differing,
    verifiedAt: verifiedAt === undefined ? undefined : new Date(verifiedAt),
    allVerifiedAt: allVerifiedAt === undefined ? undefined : new Date(allVerifiedAt),
  };
}

function positionIn(value: unknown): Position | undefined {
  return typeof value === 'string' && /^\d{1,19}$/.test(value) ? position(BigInt(value)) : undefined;
}
