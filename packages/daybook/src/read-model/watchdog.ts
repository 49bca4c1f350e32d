import type { Clock } from '../consumer/clock.ts';
import { HandlerTimedOut } from '../consumer/errors.ts';
import type { DecodedEvent } from '../store/event-source.ts';
import { ProjectingFailed } from './errors.ts';
import type { ReadModel } from './read-model.ts';

/** A transaction whose handler was given up gets so long to roll back: a statement in it may wait for a lock. */
const graceMs = 500;

/** Gives up a handler that takes longer than it may, so that its transaction is rolled back. One for each transaction. */
export class Watchdog {
  readonly #model: ReadModel;
  readonly #clock: Clock;
  readonly #givenUp = Promise.withResolvers<void>();
  #failure: ProjectingFailed | undefined;
  #event: DecodedEvent | undefined;
  #sinceMs = 0;

  constructor(model: ReadModel, clock: Clock) {
    this.#model = model;
    this.#clock = clock;
  }

  /** The handler of this event is called now. */
  begin(event: DecodedEvent): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#event = event;
    this.#sinceMs = this.#clock.monotonicMs();
  }

  /**
   * Waits for handlers that are called one after the other.
   *
   * @throws ProjectingFailed when one of them takes too long. It names the event.
   */
  async watch(handled: Promise<void>): Promise<void> {
    await this.#unless(handled, (ended) => this.#late(ended));
  }

  /**
   * Waits for the transaction that they are in, but not for ever once one of them was given up.
   *
   * @throws ProjectingFailed when it goes on waiting. What it holds, nobody else can have until it ends.
   */
  async watchTransaction(done: Promise<void>): Promise<void> {
    await this.#unless(done, async (ended) => {
      await this.#givenUp.promise;
      await this.#clock.sleep(graceMs, ended);
      throw this.#failureOf('left-waiting');
    });
  }

  async #unless(work: Promise<void>, late: (ended: AbortSignal) => Promise<never>): Promise<void> {
    const ended = new AbortController();
    const tooLate = late(ended.signal);
    tooLate.catch(() => {}); // It was in time.
    try {
      await Promise.race([work, tooLate]);
    } finally {
      ended.abort();
      work.catch(() => {}); // Nobody waits any more for what was given up.
    }
  }

  async #late(ended: AbortSignal): Promise<never> {
    const { timeoutMs } = this.#model;
    let leftMs = timeoutMs;
    // One timer for all of them: most take no time.
    while (leftMs > 0) {
      await this.#clock.sleep(leftMs, ended);
      leftMs = timeoutMs - (this.#clock.monotonicMs() - this.#sinceMs);
    }
    this.#failure = this.#failureOf('shut-out');
    this.#givenUp.resolve();
    throw this.#failure;
  }

  #failureOf(outcome: HandlerTimedOut['outcome']): ProjectingFailed {
    const { timeoutMs, name } = this.#model;
    return new ProjectingFailed(name, this.#event, new HandlerTimedOut(timeoutMs, outcome));
  }
}
