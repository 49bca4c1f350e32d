import { DaybookError } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import type { Position } from '../store/position.ts';
import { backOffMs } from './back-off.ts';
import { checkCheckpoint } from './check-checkpoint.ts';
import { CheckpointMoved } from './checkpoint-writer.ts';
import { readCheckpoint } from './checkpoint.ts';
import type { Consumer } from './consumer.ts';
import { ConsumerNotThere } from './errors.ts';
import { codeOf, failureKind } from './failures.ts';
import { acquireLease, type Lease } from './lease.ts';
import { Reporter } from './reporter.ts';
import { settledRunOptions, type RunConsumerOptions, type SettledRunOptions } from './run-options.ts';
import { Bell } from './scope.ts';
import { Session } from './session.ts';
import { startPlace } from './start-place.ts';
import type { ConsumerState } from './status.ts';

/** A consumer that runs. Dispose of it to stop: what is being handled is done, and its checkpoint written. */
export interface ConsumerRun extends AsyncDisposable {
  readonly consumer: Consumer;
  /** What it is doing now. `standing-by`: another instance is the active one. */
  readonly state: ConsumerState | 'standing-by';
  /** Why, where there is something to say. */
  readonly reason: string | undefined;
  /**
   * Waits until everything up to a position is handled, or parked: for reading one's own write.
   *
   * @throws ConsumerNotThere when that takes longer than `timeoutMs` (default: 5,000), or the run ends before.
   */
  reached(position: Position, options?: ReachedOptions): Promise<void>;
  /** Settles when the run ends: rejects with what made it fail, resolves when it was stopped. */
  readonly done: Promise<void>;
}

export interface ReachedOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a consumer until it is disposed of, or `signal` aborts. Returns when it is known that it can begin.
 *
 * One instance of a name is active; others stand by. It goes on after its checkpoint, which moves only when decode,
 * handle and interpret are done: after a crash, events since then are handled again. It never skips: what fails is
 * tried again, then parked or halted at, and is told in the status stream. When the store cannot be reached, it waits
 * and subscribes anew.
 *
 * @throws ConsumerIsNew when nobody has run it before and it does not say where to begin.
 * @throws CheckpointCollision when its checkpoint stream belongs to another consumer.
 * @throws CheckpointAheadOfLog, CheckpointOfOtherLog, CheckpointMismatch when its checkpoint does not fit the log.
 */
export async function runConsumer(
  store: EventStore,
  consumer: Consumer,
  options: RunConsumerOptions = {},
): Promise<ConsumerRun> {
  const run = new Run(store, consumer, { settled: settledRunOptions(options), signal: options.signal });
  await run.check();
  run.begin();
  return run;
}

class Run implements ConsumerRun {
  readonly consumer: Consumer;
  readonly #store: EventStore;
  readonly #options: SettledRunOptions;
  readonly #reporter: Reporter;
  readonly #stopping = new AbortController();
  readonly #stop: AbortSignal;
  readonly #bell = new Bell();
  readonly #end = Promise.withResolvers<void>();
  #session: Session | undefined;
  #isStandingBy = true;
  #isAnnounced = false;
  #isNew = false;
  #hasEnded = false;

  constructor(
    store: EventStore,
    consumer: Consumer,
    { settled, signal }: { settled: SettledRunOptions; signal: AbortSignal | undefined },
  ) {
    const { clock, host } = settled;
    this.consumer = consumer;
    this.#store = store;
    this.#options = settled;
    this.#reporter = new Reporter(store, { consumer, clock, host });
    this.#stop = signal === undefined ? this.#stopping.signal : AbortSignal.any([signal, this.#stopping.signal]);
    this.#end.promise.catch(() => {}); // Whoever wants to know looks at `done`; the status stream says it too.
  }

  get state(): ConsumerState | 'standing-by' {
    return this.#isStandingBy && !this.#hasEnded ? 'standing-by' : this.#reporter.state;
  }

  get reason(): string | undefined {
    return this.#reporter.detail.reason;
  }

  get done(): Promise<void> {
    return this.#end.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Error('The run was disposed of.'));
    await this.done.catch(() => {});
  }

  /** Throws when it could not begin even if it were its turn, and leaves word of that. */
  async check(): Promise<void> {
    try {
      for (const { stream: source } of this.consumer.sources) {
        const place = { source, consumer: this.consumer.name };
        const checkpoint = await readCheckpoint(this.#store, place);
        if (checkpoint !== undefined) await checkCheckpoint(this.#store, place, checkpoint);
        else await startPlace(this.#store, place, this.consumer.startAt);
        this.#isNew ||= checkpoint === undefined;
      }
    } catch (error) {
      this.#reporter.become('failed', { reason: 'It cannot begin.', error });
      await this.#reporter.settled();
      throw error;
    }
  }

  begin(): void {
    this.#live().then(this.#end.resolve, this.#end.reject);
  }

  async reached(position: Position, { timeoutMs = 5_000, signal }: ReachedOptions = {}): Promise<void> {
    const { clock } = this.#options;
    const given = new AbortController();
    const waiting = signal === undefined ? given.signal : AbortSignal.any([signal, given.signal]);
    const { name } = this.consumer;
    const late = new ConsumerNotThere(name, position, `it was waited for ${timeoutMs} ms, and it is ${this.state}`);
    clock.sleep(timeoutMs, waiting).then(
      () => given.abort(late),
      () => {}, // It was there in time, or nobody waits any more.
    );
    try {
      for (;;) {
        const rung = this.#bell.next(waiting);
        rung.catch(() => {}); // Awaited below, unless it is not needed.
        if (this.#session !== undefined && (await this.#session.hasReached(position))) return;
        if (this.#hasEnded) throw new ConsumerNotThere(name, position, 'its run has ended');
        await rung;
      }
    } finally {
      given.abort();
    }
  }

  /** From the beginning to the end, and says how it ended. */
  async #live(): Promise<void> {
    try {
      await this.#main();
      // Who stands by says nothing: that would be about somebody else.
      if (!this.#isStandingBy) this.#reporter.become('stopped');
    } catch (error) {
      this.#isStandingBy = false;
      this.#reporter.become('failed', { reason: 'It has ended.', error });
      throw error;
    } finally {
      await this.#reporter.settled();
      this.#hasEnded = true;
      this.#bell.ring();
    }
  }

  /** Is active whenever it can be, and stands by in between. */
  async #main(): Promise<void> {
    let failures = 0;
    while (!this.#stop.aborted) {
      try {
        await this.#turn(() => {
          failures = 0;
        });
      } catch (error) {
        if (this.#stop.aborted && error === this.#stop.reason) return;
        if (codeOf(error) === 'consumer-taken-over') continue;
        if (!isWorthAnotherTry(error)) throw error;
        failures += 1;
        if (!this.#isStandingBy)
          this.#reporter.become('retrying', { reason: 'The store does not answer as it should.', error });
        this.#bell.ring();
        await this.#options.clock.sleep(backOffMs(failures, this.#options.clock), this.#stop).catch(() => {}); // Stopped.
      }
    }
  }

  /** One time as the active instance. */
  async #turn(begun: () => void): Promise<void> {
    const { clock, host, leaseMs } = this.#options;
    const { name: consumer } = this.consumer;
    const options = { consumer, leaseMs, clock, host };
    const lease = await acquireLease(this.#store, options, {
      signal: this.#stop,
      waiting: () => {
        this.#isStandingBy = true;
        this.#bell.ring();
      },
    });
    this.#isStandingBy = false;
    try {
      while (!this.#stop.aborted) await this.#stay(lease, begun);
    } finally {
      this.#session = undefined;
      // What cannot be given back runs out by itself.
      await lease.release().catch(() => {});
    }
  }

  /** One session. Ends when the run stops, or a person has moved the checkpoint. */
  async #stay(lease: Lease, begun: () => void): Promise<void> {
    const session = await Session.begin({
      store: this.#store,
      consumer: this.consumer,
      reporter: this.#reporter,
      bell: this.#bell,
      lease,
      clock: this.#options.clock,
      host: this.#options.host,
      run: this.#options,
    });
    begun();
    this.#session = session;
    if (!this.#isAnnounced) {
      this.#isAnnounced = true;
      await this.#reporter.publish('ConsumerStarted', this.#isNew ? { isNew: true } : {});
    }
    this.#bell.ring();
    try {
      await session.run(this.#stop);
    } catch (error) {
      if (!(error instanceof CheckpointMoved)) throw error;
    }
  }
}

/** Errors of ours that go away by themselves. */
const passing: ReadonlySet<string> = new Set(['unknown-outcome', 'io-error', 'wrong-expected-revision']);

/** Whether another session may get further. What no store of ours says may be anything. */
function isWorthAnotherTry(error: unknown): boolean {
  if (failureKind(error) === 'unavailable') return true;
  return error instanceof DaybookError ? passing.has(error.code) : true;
}
