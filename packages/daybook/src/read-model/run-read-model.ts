import type { Kysely } from 'kysely';

import type { Clock } from '../consumer/clock.ts';
import type { EventStore } from '../store/event-store.ts';
import type { Position } from '../store/position.ts';
import { endedWithin } from './ended-within.ts';
import { NotReached } from './errors.ts';
import { ModelRunner } from './model-runner.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';
import { settled, type RunOptions } from './run-options.ts';
import { RunState, type RunStatus } from './run-state.ts';
import { StatusReporter } from './status-reporter.ts';

/**
 * A read model that runs. Dispose of it to stop: the batch under way is finished, unless that takes longer than `stopMs`,
 * and the lease given back.
 */
export interface ReadModelRun extends AsyncDisposable {
  readonly model: ReadModel;
  /** What it is doing now. */
  status(): RunStatus;
  /**
   * Waits until the tables show everything up to a position, such as that of an append: for reading one's own write.
   *
   * @throws NotReached when that takes longer than `timeoutMs`. Default: 5,000.
   * @throws whatever stopped the run, when it has failed.
   */
  reached(position: Position, options?: ReachedOptions): Promise<void>;
  /** Settles when the run ends: rejects with what made it fail, resolves when it was stopped. */
  readonly finished: Promise<void>;
}

export interface ReachedOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Keeps the tables of a read model up to date with the log, for as long as the run is not disposed of. Returns as soon
 * as the tables are there and it is known who writes them.
 *
 * Rows and checkpoint are written in one transaction. One instance writes; others with the same model and database
 * stand by. What fails is tried again; a run that gives up says `failed`, and `finished` rejects. It never skips.
 *
 * @throws LogRestored when the tables have seen events that the log no longer has.
 * @throws CheckpointMissing when the tables are there and nobody knows up to which event.
 */
export async function runReadModel<Tables>(
  store: EventStore,
  model: ReadModel,
  options: RunOptions<Tables>,
): Promise<ReadModelRun> {
  const stopping = new AbortController();
  const { db, signal: outer, ...others } = options;
  const signal = outer === undefined ? stopping.signal : AbortSignal.any([outer, stopping.signal]);
  const settledOptions = settled(others);
  const { clock } = settledOptions;
  const state = new RunState(model.name, clock);
  const reporter = new StatusReporter(store, model, { ...settledOptions, state });
  const runner = new ModelRunner(store, model, {
    // The model's own code is the only one that knows the columns.
    db: db as unknown as Kysely<UntypedTables>,
    options: settledOptions,
    state,
    signal,
  });
  const finished = runner.run();
  finished.catch(() => {}); // Whoever wants to know looks at `finished`, `status` or `reached`.
  try {
    await Promise.race([state.started(), finished]);
  } catch (error) {
    await reporter[Symbol.asyncDispose]();
    throw error;
  }
  return {
    model,
    status: () => state.status(),
    reached: (position, reachedOptions) => reached(state, position, { clock, ...reachedOptions }),
    finished,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      const hasEnded = await endedWithin(settledOptions.stopMs, finished, clock);
      if (!hasEnded) state.become('stopped');
      await reporter[Symbol.asyncDispose]();
    },
  };
}

async function reached(
  state: RunState,
  position: Position,
  { clock, timeoutMs = 5_000, signal }: ReachedOptions & { readonly clock: Clock },
): Promise<void> {
  const ended = new AbortController();
  const waiting = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]);
  const late = clock.sleep(timeoutMs, waiting).then(() => {
    throw new NotReached(position, timeoutMs, state.status());
  });
  late.catch(() => {}); // It was in time.
  try {
    await Promise.race([state.until(position), late]);
  } finally {
    ended.abort();
  }
}
