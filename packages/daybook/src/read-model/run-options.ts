import type { Kysely } from 'kysely';

import { systemClock, type Clock } from '../consumer/clock.ts';
import { thisHost, type Host } from '../consumer/host.ts';
import { defaultFreshnessMs, defaultHeartbeatMs } from '../consumer/status.ts';
import { InvalidOption } from '../store/errors.ts';

/** How often, and how soon, something that failed is tried again. */
export interface RetryOptions {
  /**
   * Tries before the read model gives up and is `failed`. Each batch that succeeds begins the count anew. A database or a
   * store that is away, full, or refuses does not count: that is waited for. Default: 20.
   */
  readonly attempts?: number;
  /** Before the second try. It doubles each time, with some chance in it. Default: 100. */
  readonly firstDelayMs?: number;
  /** Default: 30,000. */
  readonly longestDelayMs?: number;
}

/** How a read model is run. */
export interface RunOptions<Tables = never> {
  /** The database that holds the tables, and in it Daybook's own. */
  readonly db: Kysely<Tables>;
  /** Events in one transaction. Default: 500. */
  readonly batchSize?: number;
  readonly retry?: RetryOptions;
  /** For so long the read model stays this instance's without a sign of life. Default: 30,000. */
  readonly leaseMs?: number;
  /** The log is looked at so often even when nobody says that there is something new. Default: 1,000. */
  readonly pollMs?: number;
  /** It says that it lives so often. Default: 10,000. */
  readonly heartbeatMs?: number;
  /** Events may wait for so long before a watch raises an alert. Default: 60,000. */
  readonly freshnessMs?: number;
  /** A stop waits for the batch under way at most so long. Default: 10,000. */
  readonly stopMs?: number;
  /**
   * What to do when the tables were built by other code than the model's. `keep` goes on with them, and says that the
   * model needs a rebuild. `rebuild` builds new tables beside, proves them and switches, as `rebuildReadModel` does;
   * until then readers see the old ones, which stand still. Code whose own tables were replaced by those of other code
   * does not: it waits, and says `read-model-superseded`. Default: `keep`.
   */
  readonly whenCodeChanges?: 'keep' | 'rebuild';
  readonly signal?: AbortSignal;
  /** Default: that of the machine. */
  readonly clock?: Clock;
  /** Default: this process. */
  readonly host?: Host;
}

/** The options with everything that was left out. */
export type SettledOptions = Required<Omit<RunOptions, 'db' | 'signal' | 'retry'>> & {
  readonly retry: Required<RetryOptions>;
};

/** Fills in what was left out, and checks the rest. */
export function settled(options: Omit<RunOptions, 'db' | 'signal'>): SettledOptions {
  const { batchSize = 500, leaseMs = 30_000, pollMs = 1_000, clock = systemClock } = options;
  const { heartbeatMs = defaultHeartbeatMs, freshnessMs = defaultFreshnessMs, host = thisHost() } = options;
  const { whenCodeChanges = 'keep' } = options;
  const { stopMs = 10_000 } = options;
  const { attempts = 20, firstDelayMs = 100, longestDelayMs = 30_000 } = options.retry ?? {};
  const retry = { attempts, firstDelayMs, longestDelayMs };
  const wholes = { batchSize, leaseMs, pollMs, heartbeatMs, freshnessMs, stopMs, firstDelayMs, longestDelayMs };
  for (const [name, value] of Object.entries(wholes)) {
    if (!Number.isSafeInteger(value) || value < 1) throw new InvalidOption(name, 'it is a whole number from 1 on');
  }
  if (!(attempts >= 1)) throw new InvalidOption('attempts', 'it is a number from 1 on');
  return { batchSize, leaseMs, pollMs, heartbeatMs, freshnessMs, stopMs, whenCodeChanges, clock, host, retry };
}

/** How long to wait before the try after `failures` failures: doubled each time, and never the same for two at once. */
export function delayAfter(failures: number, { retry, clock }: SettledOptions): number {
  const most = Math.min(retry.longestDelayMs, retry.firstDelayMs * 2 ** Math.min(failures - 1, 30));
  return most * (0.5 + clock.random() / 2);
}
