/** What a message costs beside its bytes, so that many empty ones are held back too. */
const messageCostBytes = 64;

/** Told when so much waits that the sender must be held back, and when it may go on. */
export interface InboxHooks {
  readonly onFull: () => void;
  readonly onEmptied: () => void;
}

/** The messages of a call that wait for its handler. One reader; what comes is read in order, once. */
export class Inbox implements AsyncIterableIterator<Buffer> {
  readonly #limitBytes: number;
  readonly #hooks: InboxHooks;
  #messages: Buffer[] = [];
  #next = 0;
  #waitingBytes = 0;
  #isFull = false;
  #isEnded = false;
  #failure: Error | undefined;
  #reader: PromiseWithResolvers<IteratorResult<Buffer>> | undefined;

  constructor(limitBytes: number, hooks: InboxHooks) {
    this.#limitBytes = limitBytes;
    this.#hooks = hooks;
  }

  /** Whether the client has sent its last message. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  push(message: Buffer): void {
    if (this.#isEnded || this.#failure !== undefined) return;
    if (this.#reader !== undefined) {
      this.#answer({ done: false, value: message });
      return;
    }
    this.#messages.push(message);
    this.#waitingBytes += message.length + messageCostBytes;
    if (this.#waitingBytes <= this.#limitBytes || this.#isFull) return;
    this.#isFull = true;
    this.#hooks.onFull();
  }

  /** No message follows. What waits is still read. */
  end(): void {
    this.#isEnded = true;
    this.#answer({ done: true, value: undefined });
  }

  /** Drops what waits. Whoever reads gets this error. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#drop();
    this.#reader?.reject(error);
    this.#reader = undefined;
  }

  next(): Promise<IteratorResult<Buffer>> {
    if (this.#failure !== undefined) return handled(Promise.reject(this.#failure));
    const message = this.#messages[this.#next];
    if (message !== undefined) return Promise.resolve({ done: false, value: this.#take(message) });
    if (this.#isEnded) return Promise.resolve({ done: true, value: undefined });
    this.#reader ??= Promise.withResolvers();
    return handled(this.#reader.promise);
  }

  /** The handler wants no more. */
  return(): Promise<IteratorResult<Buffer>> {
    this.#isEnded = true;
    this.#drop();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(message: Buffer): Buffer {
    this.#waitingBytes -= message.length + messageCostBytes;
    if (++this.#next === this.#messages.length) {
      this.#messages = [];
      this.#next = 0;
    }
    if (this.#isFull && this.#waitingBytes <= this.#limitBytes / 2) this.#release();
    return message;
  }

  #drop(): void {
    this.#messages = [];
    this.#next = 0;
    this.#waitingBytes = 0;
    if (this.#isFull) this.#release();
  }

  #release(): void {
    this.#isFull = false;
    this.#hooks.onEmptied();
  }

  #answer(result: IteratorResult<Buffer>): void {
    this.#reader?.resolve(result);
    this.#reader = undefined;
  }
}

/** The promise, whose rejection does no harm when nobody waits for it any more. */
export function handled<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {});
  return promise;
}
