import type { Clock } from '../consumer/clock.ts';
import type { EventStore } from '../store/event-store.ts';
import type { StreamName } from '../store/stream-name.ts';

/**
 * A hint that there may be something new in a stream. Only a hint: whoever waits looks at the log at the latest when
 * its time is up, so a subscription that breaks costs a moment and no event.
 */
export class News implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  readonly #following: Promise<unknown>;
  #ring = Promise.withResolvers<void>();
  #hasRung = false;

  constructor(store: EventStore, streams: readonly string[], clock: Clock) {
    this.#clock = clock;
    this.#following = Promise.all(streams.map((stream) => this.#follow(store, stream)));
  }

  /** Waits until something may be new, for so long at most, or until `signal` aborts. */
  async next(waitMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasRung && !signal.aborted) {
      const rung = new AbortController();
      const patience = this.#clock.sleep(waitMs, AbortSignal.any([signal, rung.signal]));
      await Promise.race([this.#ring.promise, patience.catch(() => {})]);
      rung.abort();
    }
    this.#hasRung = false;
    this.#ring = Promise.withResolvers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#following;
  }

  async #follow(store: EventStore, stream: string): Promise<void> {
    const { signal } = this.#stopping;
    try {
      const subscription =
        stream === '$all'
          ? store.subscribeToAll({ after: 'end', signal })
          : store.subscribeToStream(stream as StreamName, { after: 'end', signal }); // The model's own source.
      for await (const page of subscription.pages()) {
        if (page.some(({ kind }) => kind === 'event')) this.#tell();
      }
    } catch {
      this.#tell(); // Stopped, or broken: then reading fails too, and says why.
    }
  }

  #tell(): void {
    this.#hasRung = true;
    this.#ring.resolve();
  }
}
