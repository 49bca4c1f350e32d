/** Tasks that live and end together: the first one that fails ends all others. */
export class Scope {
  readonly #controller = new AbortController();
  readonly #tasks = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  /** Aborts when the scope ends. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Begins a task. What it throws because the scope has ended is no failure. */
  run(task: (signal: AbortSignal) => Promise<void>): void {
    const running = task(this.signal)
      .catch((error: unknown) => this.fail(error))
      .finally(() => this.#tasks.delete(running));
    this.#tasks.add(running);
  }

  /** Ends all tasks because of an error. Only the first one counts, and none after the end. */
  fail(error: unknown): void {
    if (this.signal.aborted) return;
    this.#failure = { error };
    this.#controller.abort(error);
  }

  /** Ends all tasks. */
  end(): void {
    this.#controller.abort();
  }

  /** Waits until the scope has ended, and all tasks with it. Throws what made it fail. */
  async ended(): Promise<void> {
    if (!this.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** A bell that those who wait for something new can hear. */
export class Bell {
  #rung = Promise.withResolvers<void>();

  /** Wakes all who wait now. */
  ring(): void {
    this.#rung.resolve();
    this.#rung = Promise.withResolvers();
  }

  /** Waits for the next ring. An abort rejects with its reason. */
  async next(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise, reject } = Promise.withResolvers<never>();
    const abort = (): void => reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([this.#rung.promise, promise]);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }
}
