import { setTimeout as delay } from 'node:timers/promises';

import type { Kysely } from 'kysely';

import { pauseIn, readControls } from '../consumer/control.ts';
import { controlStreamOf } from '../consumer/names.ts';
import { DaybookError } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import { position, type Position, type Revision } from '../store/position.ts';
import { booksOf, findCheckpoint, type Checkpoint } from './bookkeeping.ts';
import { checkLog } from './check-log.ts';
import { createTables } from './create-tables.ts';
import { LeaseLost, ProjectingFailed } from './errors.ts';
import { releaseLease, renewLease, tryLease } from './lease.ts';
import { readMerged, type SourcedEvent } from './merged-sources.ts';
import { live } from './naming.ts';
import { News } from './news.ts';
import { decodeBatch, projectBatch, type Projecting } from './project.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';
import { delayAfter, type SettledOptions } from './run-options.ts';
import type { RunState } from './run-state.ts';

/** What a run needs besides the log and the model. */
export interface RunnerNeeds {
  readonly db: Kysely<UntypedTables>;
  readonly options: SettledOptions;
  readonly state: RunState;
  readonly signal: AbortSignal;
}

/** Errors that another try cannot mend: somebody must decide. */
const finalCodes: ReadonlySet<string> = new Set([
  'log-restored',
  'checkpoint-missing',
  'unsupported-statement',
  'invalid-option',
]);

/** Follows the log into the tables: takes the lease, catches up, waits for news, and begins anew when something fails. */
export class ModelRunner {
  readonly #store: EventStore;
  readonly #model: ReadModel;
  readonly #db: Kysely<UntypedTables>;
  readonly #options: SettledOptions;
  readonly #state: RunState;
  readonly #signal: AbortSignal;

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
        if (isFinal(error) || failures >= this.#options.retry.attempts) {
          this.#state.become('failed');
          throw error;
        }
        this.#state.become('retrying');
        await delay(delayAfter(failures, this.#options), undefined, { signal: this.#signal }).catch(() => {});
      }
    }
    this.#state.become('stopped');
  }

  /** One ownership: from taking the lease until it is lost, something fails, or the signal aborts. */
  async #own(): Promise<void> {
    const { now, leaseMs } = this.#options;
    await createTables(this.#store, this.#model, { db: this.#db, naming: live, now });
    const streams = [...this.#model.sources.map(({ stream }) => stream), controlStreamOf(this.#model.name)];
    await using news = new News(this.#store, streams); // Before reading, so that nothing falls between.
    const checkpoint = await this.#takeLease();
    if (checkpoint === undefined) return;
    const { token } = checkpoint;
    try {
      await checkLog(this.#store, { db: this.#db, model: this.#model, naming: live, checkpoint });
      await this.#rememberLog(checkpoint);
      await this.#follow(new Map(checkpoint.numbers), news, { model: this.#model, naming: live, token, leaseMs, now });
    } finally {
      // When the database does not answer, the lease runs out by itself.
      await releaseLease(booksOf(this.#db), checkpoint.name, token).catch(() => {});
    }
  }

  async #takeLease(): Promise<Checkpoint | undefined> {
    const { leaseMs, now, pollMs, owner, isGone } = this.#options;
    const { name } = this.#model;
    const books = booksOf(this.#db);
    while (!this.#signal.aborted) {
      const taken = await tryLease(books, { name, owner, isGone, leaseMs, now });
      const known = taken ?? (await findCheckpoint(books, name));
      if (known !== undefined) this.#state.knows(known, this.#model.code);
      if (taken !== undefined) return taken;
      this.#state.become('standing-by');
      await delay(pollMs, undefined, { signal: this.#signal }).catch(() => {});
    }
    return undefined;
  }

  async #follow(numbers: Map<string, Revision>, news: News, projecting: Projecting): Promise<void> {
    const { pollMs, leaseMs, now } = this.#options;
    let renewedAt = Number.NEGATIVE_INFINITY;
    let seen: Position | undefined;
    while (!this.#signal.aborted) {
      const { position: head = position(0n) } = await this.#store.head();
      const pause = pauseIn(await readControls(this.#store, this.#model.name), now());
      if (pause !== undefined) {
        this.#state.become('paused', `${pause.who}: ${pause.why}, until ${pause.until.toISOString()}`);
      } else if (seen === undefined || head > seen) {
        if (seen === undefined) this.#state.become('catching-up');
        if (!(await this.#drain(numbers, head, projecting))) return;
      }
      if (pause === undefined) seen = head;
      if (now() - renewedAt >= leaseMs / 3) {
        await this.#renew(projecting, seen ?? this.#state.status().position ?? position(0n));
        renewedAt = now();
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
      const batch = await decodeBatch(this.#model, page);
      if (batch === undefined) return;
      await projectBatch(this.#db, batch, projecting);
      for (const [source, number] of batch.numbers) numbers.set(source, number);
      this.#state.arrived(batch.last.event.position, numbers);
      this.#state.succeeded();
    } catch (error) {
      // What stands before the event that fails is fine: it goes in, so that the tables show it while we try again.
      const failedAt = error instanceof ProjectingFailed ? error.event?.position : undefined;
      const before = page.filter(({ event }) => failedAt !== undefined && event.position < failedAt);
      if (before.length > 0) await this.#projectPage(numbers, before, projecting);
      throw error;
    }
  }

  async #renew({ token }: Projecting, seen: Position): Promise<void> {
    const { leaseMs, now } = this.#options;
    const { name } = this.#model;
    if (!(await renewLease(booksOf(this.#db), { name, leaseMs, now, token, seen }))) throw new LeaseLost(name, token);
  }

  /** The log may have been restored to a place behind the checkpoint: then its new epoch is the one to know. */
  async #rememberLog({ name, token, logId, epoch }: Checkpoint): Promise<void> {
    const head = await this.#store.head();
    if (head.logId === logId && head.epoch === epoch) return;
    await booksOf(this.#db)
      .updateTable('daybook_read_model')
      .set({ log_id: head.logId ?? null, epoch: head.epoch ?? null })
      .where('name', '=', name)
      .where('token', '=', token)
      .execute();
  }
}

function isFinal(error: unknown): boolean {
  if (error instanceof ProjectingFailed) return isFinal(error.cause);
  return error instanceof DaybookError && finalCodes.has(error.code);
}
