import { StoreClosed, UnknownOutcome } from '../store/errors.ts';
import type { RecordedEvent } from '../store/event.ts';
import type { Limits } from '../store/limits.ts';
import type { Position } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import type { KurrentOptions, OpenClient } from './client.ts';
import { convertEvent } from './convert-event.ts';
import { openRead, type ReadCall } from './open-read.ts';
import { SeenPositions } from './seen-positions.ts';

/** What all parts of this adapter share: the client, and what is known from its answers. */
export class Connection {
  readonly client: OpenClient;
  readonly limits: Limits;
  readonly seen: SeenPositions = new SeenPositions();
  readonly #timeoutMs: number;
  readonly #closing = new AbortController();
  #lookedAtEnd: Promise<void> | undefined;

  constructor(client: OpenClient, limits: Limits, timeoutMs: number) {
    this.client = client;
    this.limits = limits;
    this.#timeoutMs = timeoutMs;
  }

  /** Ends all that is going on, and refuses what comes. */
  close(): void {
    if (!this.#closing.signal.aborted) this.#closing.abort(new StoreClosed());
  }

  /** Throws when the connection was closed. */
  checkOpen(): void {
    if (this.#closing.signal.aborted) throw new StoreClosed(); // A new one: an error has the stack of its call.
  }

  /** A read or a subscription that ends with the connection. */
  open(call: ReadCall): ReturnType<typeof openRead> {
    const { signal } = this.#closing;
    return openRead(this.client, {
      ...call,
      signal: call.signal === undefined ? signal : AbortSignal.any([signal, call.signal]),
    });
  }

  /** The highest position that was seen so far. The first time, the end of the log is looked up. */
  async highestSeen(): Promise<Position> {
    this.#lookedAtEnd ??= this.#lookAtEnd();
    await this.#lookedAtEnd;
    return this.seen.highest;
  }

  /** The first event of a stream in a direction. `undefined`: there is no such stream; `hidden`: no event is visible. */
  async edge(stream: StreamName, direction: 'forwards' | 'backwards'): Promise<RecordedEvent | 'hidden' | undefined> {
    const options = { fromRevision: direction === 'forwards' ? 'start' : 'end', resolveLinkTos: false };
    let found: RecordedEvent | 'hidden' | undefined = 'hidden';
    // To the end, short as it is: a read that is left is reset, and servers close connections with many resets.
    for await (const messages of this.open({ stream, options, read: { count: 1n, direction } })) {
      for (const message of messages) {
        if (message.hasStreamNotFound()) found = undefined;
        else if (message.hasEvent()) found = convertEvent(message.getEvent()) ?? 'hidden';
      }
    }
    return found;
  }

  /**
   * The answer to a write.
   *
   * @throws UnknownOutcome when there is none in time. The client waits for ever when a server hangs.
   */
  async write<Answer>(call: (options: KurrentOptions) => Promise<Answer>): Promise<Answer> {
    this.checkOpen();
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(new UnknownOutcome(`The server gave no answer within ${this.#timeoutMs} ms.`));
    }, this.#timeoutMs);
    const answer = call({ deadline: this.#timeoutMs });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
      answer.catch(() => {}); // An answer that comes too late is nobody's.
    }
  }

  async #lookAtEnd(): Promise<void> {
    try {
      const options = { fromPosition: 'end', resolveLinkTos: false };
      for await (const messages of this.open({ options, read: { count: 1n, direction: 'backwards' } })) {
        for (const message of messages) {
          if (message.hasEvent()) this.seen.note(convertEvent(message.getEvent())?.position ?? 0n);
        }
      }
    } catch {
      // Who may append may not be allowed to read everything; then only repeats of one's own writes are known.
    }
  }
}
