import { InvalidOption } from '../store/errors.ts';
import { systemClock, type Clock } from './clock.ts';
import { thisHost, type Host } from './host.ts';

/** How a consumer is run. */
export interface RunConsumerOptions {
  /** Stops the run well: what is being handled is done, and its checkpoint written. */
  readonly signal?: AbortSignal | undefined;
  /** It stays this instance's for so long without a sign of life. Default: 15,000. */
  readonly leaseMs?: number | undefined;
  /** A checkpoint is written not more often than this. Default: 200. */
  readonly checkpointEveryMs?: number | undefined;
  /** Events that are taken on and not done with, at most. Default: 10,000. */
  readonly window?: number | undefined;
  /** A stop waits for what is being handled at most so long. Default: 10,000. */
  readonly stopMs?: number | undefined;
  /**
   * When the consumer has failed: `wait` for a person, alive and visible; or `end` the run, so that `done` rejects.
   * Default: `wait`.
   */
  readonly whenFailed?: 'wait' | 'end' | undefined;
  /** Default: that of the machine. */
  readonly clock?: Clock | undefined;
  /** Default: this process. */
  readonly host?: Host | undefined;
}

/** The options with everything that was left out. */
export interface SettledRunOptions {
  readonly leaseMs: number;
  readonly checkpointEveryMs: number;
  readonly window: number;
  readonly stopMs: number;
  readonly whenFailed: 'wait' | 'end';
  readonly clock: Clock;
  readonly host: Host;
}

/** Fills in what was left out, and checks the rest. */
export function settledRunOptions(options: RunConsumerOptions): SettledRunOptions {
  const { leaseMs = 15_000, checkpointEveryMs = 200, window = 10_000, stopMs = 10_000 } = options;
  for (const [name, value] of Object.entries({ leaseMs, checkpointEveryMs, window, stopMs })) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new InvalidOption(name, `${value} is no whole number from 1 on`);
  }
  const { whenFailed = 'wait', clock = systemClock, host = thisHost() } = options;
  return { leaseMs, checkpointEveryMs, window, stopMs, whenFailed, clock, host };
}
