import type { Kysely } from 'kysely';

import { pauseIn, readControls } from '../consumer/control.ts';
import { HandlerTimedOut } from '../consumer/errors.ts';
import { failureKind } from '../consumer/failures.ts';
import { controlStreamOf } from '../consumer/names.ts';
import { DaybookError } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import type { LogHead } from '../store/options.ts';
import { position, type Position, type Revision } from '../store/position.ts';
import { booksOf, findCheckpoint, type Checkpoint } from './bookkeeping.ts';
import { checkLog } from './check-log.ts';
import { createTables } from './create-tables.ts';
import { endedWithin } from './ended-within.ts';
import { LeaseLost, ProjectingFailed, ReadModelSuperseded, RebuildUnderWay } from './errors.ts';
import { releaseLease, renewLease, Silence, tryLease } from './lease.ts';
import { readMerged, type SourcedEvent } from './merged-sources.ts';
import { live } from './naming.ts';
import { News } from './news.ts';
import { decodeBatch, projectBatch, type Projecting } from './project.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';
import { rebuildReadModel } from './rebuild.ts';
import { Foresight } from './run-ahead.ts';
import { delayAfter, type SettledOptions } from './run-options.ts';
import type { RunState } from './run-state.ts';
import { refuseSuperseded } from './superseded.ts';

/** What a run needs besides the log and the model. */
export interface RunnerNeeds {
  readonly db: Kysely<UntypedTables>;
  readonly options: SettledOptions;
  readonly state: RunState;
  readonly signal: AbortSignal;
}

/** What an instance goes by from taking the lease until it is over. */
interface Ownership {
  readonly news: News;
  /** The log that the tables were held against. */
  readonly log: LogHead;
  readonly projecting: Projecting;
}

/** To give the lease back may take so long: a transaction that was given up may still hold its row. */
const releaseMs = 500;

/** Errors that another try cannot mend: somebody must decide. */
const finalCodes: ReadonlySet<string> = new Set([
  'log-restored',
  'checkpoint-missing',
  'unsupported-statement',
  'invalid-option',
  'rebuild-not-proven',
]);

/** Follows the log into the tables: takes the lease, catches up, waits for news, and begins anew when something fails. */
export class ModelRunner {
  readonly #store: EventStore;
  readonly #model: ReadModel;
  readonly #db: Kysely<UntypedTables>;
  readonly #options: SettledOptions;
  readonly #state: RunState;
  readonly #signal: AbortSignal;
  readonly #foresight = new Foresight();
  /** Of the failures since anything succeeded, those that no event is to blame for. */
  #outages = 0;
  /** Of the last event in the tables, as this instance knows them. */
  #at: Position | undefined;

  constructor(store: EventStore, model: ReadModel, { db, options, state, signal }: RunnerNeeds) {
    this.#store = store;
    this.#model = model;
    this.#db = db;
    this.#options = options;
    this.#state = state;
    this.#signal = signal;
  }

  /** Runs until the signal aborts. Rejects when the run has failed for good. */
  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        await this.#own();
      } catch (error) {
        if (this.#signal.aborted) break;
        if (error instanceof LeaseLost) continue;
        const failures = this.#state.failed(error);
        if (failures === 1) this.#outages = 0;
        // What is away comes back, and then nothing is wrong with any event.
        if (failureKind(error) === 'unavailable' || isWaiting(error)) this.#outages += 1;
        if (isFinal(error) || failures - this.#outages >= this.#options.retry.attempts) {
          this.#state.become('failed');
          throw error;
        }
        this.#state.become('retrying');
        await this.#options.clock.sleep(delayAfter(failures, this.#options), this.#signal).catch(() => {}); // It is stopped.
      }
    }
    this.#state.become('stopped');
  }

  /** One ownership: from taking the lease until it is lost, something fails, or the signal aborts. */
  async #own(): Promise<void> {
    const { clock, host, leaseMs } = this.#options;
    const now = (): number => clock.now();
    await createTables(this.#store, this.#model, { db: this.#db, naming: live, now });
    const streams = [...this.#model.sources.map(({ stream }) => stream), controlStreamOf(this.#model.name)];
    await using news = new News(this.#store, streams, clock); // Before reading, so that nothing falls between.
    const checkpoint = await this.#takeLease();
    if (checkpoint === undefined) return;
    const { token } = checkpoint;
    try {
      const log = await checkLog(this.#store, { db: this.#db, model: this.#model, naming: live, checkpoint });
      await this.#rememberLog(checkpoint, log);
      this.#at = checkpoint.position;
      if (checkpoint.code !== this.#model.code && this.#options.whenCodeChanges === 'rebuild') {
        await refuseSuperseded(this.#store, this.#model);
        await this.#rebuild(checkpoint);
        return; // The new tables have a checkpoint, and a lease, of their own.
      }
      const held = { token, owner: host.holder, leaseMs, now, clock };
      const projecting = { model: this.#model, naming: live, foresight: this.#foresight, ...held };
      await this.#follow(new Map(checkpoint.numbers), { news, log, projecting });
    } finally {
      // When the database does not answer, the lease runs out by itself.
      await endedWithin(releaseMs, releaseLease(booksOf(this.#db), checkpoint.name, token), clock);
    }
  }

  /** Builds the tables anew by the model's code, and switches to them. Nobody else takes the old ones meanwhile. */
  async #rebuild({ name, token, seenPosition }: Checkpoint): Promise<void> {
    const { clock, host, leaseMs } = this.#options;
    const now = (): number => clock.now();
    this.#state.become('catching-up', 'the code has changed: new tables are built beside');
    const reason = { who: host.holder, why: 'the code of the read model has changed' };
    const job = rebuildReadModel(this.#store, this.#model, { db: this.#db, reason, signal: this.#signal, now });
    let renewedAt = clock.monotonicMs();
    for await (const { phase } of job) {
      // Once the new tables are shown, the lease is no longer that of the old ones.
      if (phase === 'switching' || clock.monotonicMs() - renewedAt < leaseMs / 3) continue;
      const held = { name, owner: host.holder, leaseMs, now, token, at: this.#at, seen: seenPosition };
      if (!(await renewLease(booksOf(this.#db), held))) return;
      renewedAt = clock.monotonicMs();
    }
  }

  async #takeLease(): Promise<Checkpoint | undefined> {
    const { leaseMs, clock, pollMs, host } = this.#options;
    const { name } = this.#model;
    const books = booksOf(this.#db);
    const silence = new Silence(clock);
    while (!this.#signal.aborted) {
      const before = await findCheckpoint(books, name);
      // Clocks of two machines may be hours apart: who gives no sign of life for so long is gone, whatever they say.
      const isGone = (owner: string): boolean => silence.of(before) >= leaseMs || host.isGone(owner);
      const taken = await tryLease(books, { name, owner: host.holder, isGone, leaseMs, now: () => clock.now() });
      const known = taken ?? (await findCheckpoint(books, name));
      if (known !== undefined) this.#state.knows(known, this.#model.code);
      if (taken !== undefined) return taken;
      this.#state.become('standing-by');
      await clock.sleep(pollMs, this.#signal).catch(() => {}); // It is stopped.
    }
    return undefined;
  }

  async #follow(numbers: Map<string, Revision>, { news, log, projecting }: Ownership): Promise<void> {
    const { pollMs, leaseMs, clock } = this.#options;
    let renewedAt = Number.NEGATIVE_INFINITY;
    let seen: Position | undefined;
    while (!this.#signal.aborted) {
      const now = await this.#store.head();
      const head = now.position ?? position(0n);
      // Restored while nobody was reading: what the tables have seen is held against it anew.
      if (now.logId !== log.logId || now.epoch !== log.epoch || (seen !== undefined && head < seen)) return;
      const pause = pauseIn(await readControls(this.#store, this.#model.name), clock.now());
      if (pause !== undefined) {
        this.#state.become('paused', `${pause.who}: ${pause.why}, until ${pause.until.toISOString()}`);
      } else if (seen === undefined || head > seen) {
        if (seen === undefined) this.#state.become('catching-up');
        if (!(await this.#drain(numbers, head, projecting))) return;
      }
      if (pause === undefined) seen = head;
      if (clock.monotonicMs() - renewedAt >= leaseMs / 3) {
        await this.#renew(projecting, seen ?? this.#state.status().position ?? position(0n));
        renewedAt = clock.monotonicMs();
      }
      if (pause === undefined) {
        this.#state.arrived(head, numbers);
        this.#state.succeeded();
        this.#state.become('live');
      }
      await news.next(pollMs, this.#signal);
    }
  }

  /** Projects everything up to `upTo`. Gives whether it got there: not when it was asked to stop. */
  async #drain(numbers: Map<string, Revision>, upTo: Position, projecting: Projecting): Promise<boolean> {
    const { sources } = this.#model;
    const pages = readMerged(this.#store, { sources, after: numbers, upTo, pageSize: this.#options.batchSize });
    for await (const page of pages) {
      // A full page says that there is more than what has just come.
      if (page.length === this.#options.batchSize) this.#state.become('catching-up');
      await this.#projectPage(numbers, page, projecting);
      if (this.#signal.aborted) return false;
    }
    return true;
  }

  async #projectPage(
    numbers: Map<string, Revision>,
    page: readonly SourcedEvent[],
    projecting: Projecting,
  ): Promise<void> {
    try {
      const batch = await decodeBatch(this.#model, page, this.#at);
      if (batch === undefined) return;
      await projectBatch(this.#db, batch, projecting);
      this.#at = batch.last.event.position;
      for (const [source, number] of batch.numbers) numbers.set(source, number);
      this.#state.arrived(batch.last.event.position, numbers);
      this.#state.succeeded(page.length);
      if (this.#state.status().state === 'retrying') this.#state.become('catching-up');
    } catch (error) {
      // Its transaction still holds the checkpoint: whoever waited for that here could not say that it fails.
      if (isLeftWaiting(error)) throw error;
      // What stands before the event that fails is fine: it goes in, so that the tables show it while we try again.
      const failedAt = error instanceof ProjectingFailed ? error.event?.position : undefined;
      const before = page.filter(({ event }) => failedAt !== undefined && event.position < failedAt);
      if (before.length > 0) await this.#projectPage(numbers, before, projecting);
      throw error;
    }
  }

  async #renew({ token, owner, leaseMs, now }: Projecting, seen: Position): Promise<void> {
    const { name } = this.#model;
    const held = { name, owner, leaseMs, now, token, at: this.#at, seen };
    if (!(await renewLease(booksOf(this.#db), held))) throw new LeaseLost(name, token);
  }

  /** The log may have been restored to a place behind the checkpoint: then its new epoch is the one to know. */
  async #rememberLog({ name, token, logId, epoch }: Checkpoint, head: LogHead): Promise<void> {
    if (head.logId === logId && head.epoch === epoch) return;
    await booksOf(this.#db)
      .updateTable('daybook_read_model')
      .set({ log_id: head.logId ?? null, epoch: head.epoch ?? null })
      .where('name', '=', name)
      .where('token', '=', token)
      .execute();
  }
}

function isLeftWaiting(error: unknown): boolean {
  const cause = error instanceof ProjectingFailed ? error.cause : undefined;
  return cause instanceof HandlerTimedOut && cause.outcome === 'left-waiting';
}

/** Somebody else builds the tables, or has built them: that is over when it is over. */
function isWaiting(error: unknown): boolean {
  return error instanceof ReadModelSuperseded || error instanceof RebuildUnderWay;
}

function isFinal(error: unknown): boolean {
  if (error instanceof ProjectingFailed) return isFinal(error.cause);
  return error instanceof DaybookError && finalCodes.has(error.code);
}
