import type { EventName } from './plan.ts';

/**
 * How a scenario ended: as it should; as it should, although the read model would not stand what a run never does
 * (`fragile`); not as it should; or it could not be played.
 */
export type Verdict = 'held' | 'fragile' | 'failed' | 'not-played';

/** What became of one consumer or read model in one scenario. */
export interface Outcome {
  readonly verdict: Verdict;
  /** From the fault until somebody was told. */
  readonly detectedMs?: number | undefined;
  /** From the beginning of the repair until everything was handled. */
  readonly repairedMs?: number | undefined;
  /** Rows of a read model that lack events; events that a consumer has not handled, or effects in the log that are missing. */
  readonly lost?: number | undefined;
  /** Rows that count events twice; events that a consumer has handled again. */
  readonly repeated?: number | undefined;
  /** A sentence: what is wrong, or why it was not played. */
  readonly why?: string | undefined;
  /** The event whose handler it is about. */
  readonly event?: EventName | undefined;
}

/** The event as people read it. */
export function eventText({ type, stream, revision }: EventName): string {
  return `${type} ${revision}@${stream}`;
}

/** It could not be played. */
export function notPlayed(why: string): Outcome {
  return { verdict: 'not-played', why };
}

/** It failed before it could be judged. */
export function failed(why: string, event?: EventName): Outcome {
  return { verdict: 'failed', why, event };
}
