import type { Consumer } from './consumer.ts';
import type { FailureKind } from './failures.ts';

/** So many streams that fail, with no success of any stream in between, are no accident of theirs. */
const streamsOfAnOutage = 3;

/** What is known when an event has failed. */
export interface FailureFacts {
  readonly kind: FailureKind;
  /** Tries so far, this one included. */
  readonly attempts: number;
  readonly retry: Pick<Consumer['retry'], 'attempts' | 'then'>;
  /** Streams that have failed since anything succeeded, this one included. */
  readonly failingStreams: number;
  /** Its handler has not returned, so another try could overtake it. */
  readonly isStillRunning: boolean;
}

/**
 * What to do about a failure. `wait`: nothing can be handled now, so the whole consumer waits and tries one event now
 * and then; nothing is counted, nothing is parked.
 */
export type Verdict = 'retry' | 'wait' | 'park' | 'halt';

/** Decides about a failure. */
export function decideFailure({ kind, attempts, retry, failingStreams, isStillRunning }: FailureFacts): Verdict {
  if (kind === 'unavailable' || failingStreams >= streamsOfAnOutage) return 'wait';
  const isLast = kind === 'permanent' || isStillRunning || attempts >= retry.attempts;
  if (!isLast) return 'retry';
  return retry.then === 'park-stream' ? 'park' : 'halt';
}
