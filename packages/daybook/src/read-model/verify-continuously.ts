import type { Kysely } from 'kysely';

import { systemClock, type Clock } from '../consumer/clock.ts';
import { InvalidOption } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import type { HarmonyRound } from './harmony-round.ts';
import type { Progress } from './job.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';
import { Verifying } from './verifying.ts';

/** How a read model is verified for as long as it lives. */
export interface ContinuousOptions<Tables = never> {
  /** The database of the tables. On SQLite it is a connection of its own. */
  readonly db: Kysely<Tables>;
  /** A round begins so often. Default: 60,000. */
  readonly everyMs?: number;
  /** The part of all rows that a round compares: after `1 / share` rounds each has been. Default: 0.001. */
  readonly share?: number;
  /** Rows whose difference is looked into, in one round. The log is folded once for all of them. Default: 200. */
  readonly explainAtMost?: number;
  /** It may go so long without being compared before a watch raises an alert. Default: five rounds, and 300,000 at least. */
  readonly unverifiedMs?: number;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/**
 * Compares a read model with its log for as long as the loop goes on, while it runs: keeps a second copy of the tables
 * beside, folds on what is new, and compares in each round the rows that events touched since the last one, and a share
 * of all, so that a row which something else wrote to is found within `1 / share` rounds. The log is folded once, when
 * the copy is made; a copy that is left goes on where it was.
 *
 * Between rounds it says how far a long one is. What each has found stands in the stream `$harmony-<name>` too, where a
 * watch sees it. A round that cannot compare gives its `problem`, and the next tries again. An abort ends the loop.
 */
export async function* verifyContinuously<Tables>(
  store: EventStore,
  model: ReadModel,
  options: ContinuousOptions<Tables>,
): AsyncGenerator<HarmonyRound | Progress, void, undefined> {
  const { everyMs = 60_000, share = 0.001, explainAtMost = 200, signal, clock = systemClock } = options;
  const { unverifiedMs = Math.max(5 * everyMs, 300_000) } = options;
  if (!(everyMs >= 1)) throw new InvalidOption('everyMs', 'it is a number of milliseconds from 1 on');
  if (!(share > 0 && share <= 1)) throw new InvalidOption('share', 'it is more than 0 and at most 1');
  // The model's own code is the only one that knows the columns.
  const db = options.db as unknown as Kysely<UntypedTables>;
  const settled = { db, everyMs, rounds: Math.ceil(1 / share), explainAtMost, unverifiedMs, signal, clock };
  await using verifying = new Verifying(store, model, settled);
  for (;;) {
    const beganMs = clock.monotonicMs();
    try {
      yield* verifying.round();
      await clock.sleep(Math.max(1, everyMs - (clock.monotonicMs() - beganMs)), signal);
    } catch (error) {
      if (signal?.aborted === true) return;
      throw error;
    }
  }
}
