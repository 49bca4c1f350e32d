import {
  ANY,
  binaryEvent,
  KurrentDBClient,
  NO_STREAM,
  type AppendStreamState,
  type EventData,
} from '@kurrent/kurrentdb-client';
import type { NewEvent } from 'daybook';

import { batchEvents, tortureStream } from './checkable-event.ts';
import type { Ack } from './lane.ts';

/** How long a client waits for an answer before it takes the outcome for unknown. */
const deadlineMs = 2_000;

/**
 * How long a client waits before it sends again. By then the server is back in most cases: after a connection that was
 * refused, the channel below the client waits for a second or more.
 */
const pauseMs = 200;

/** An append is sent at most so often. */
const attempts = 100;

/**
 * An official client that appends in three lanes at once, and sends an append again, with the same ids and the same
 * expectation, for as long as it does not know what became of it.
 */
export class RetryingClient implements AsyncDisposable {
  readonly acks: Ack[] = [];
  /** Answers that a repeat must never get. */
  readonly refusals: string[] = [];
  /** Appends that never had an answer. */
  readonly pending: string[] = [];
  /** How often an outcome was unknown. */
  unknown = 0;
  readonly #client: KurrentDBClient;
  readonly #name: string;
  #isStopped = false;
  #hasEnded = false;
  #onAck: (() => void) | undefined;

  constructor(port: number, name: string) {
    this.#client = KurrentDBClient.connectionString(`kurrentdb://127.0.0.1:${port}?tls=false`);
    this.#name = name;
  }

  /** Appends until it is stopped and has all answers. Two lanes say where their stream ends, one does not. */
  async run(): Promise<void> {
    await Promise.all([this.#lane('revision', 0), this.#lane('revision', 1), this.#lane('any', 2)]);
    this.#hasEnded = true;
    this.#onAck?.();
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Resolves at the next ack, or when no lane goes on. */
  nextAck(): Promise<void> {
    return this.#hasEnded ? Promise.resolve() : new Promise((resolve) => (this.#onAck = resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.#client.dispose();
  }

  async #lane(expects: 'revision' | 'any', lane: number): Promise<void> {
    const writer = `${this.#name}.${lane}`;
    let expected: AppendStreamState = NO_STREAM;
    for (let batch = 0; !this.#isStopped; batch++) {
      const events = batchEvents(writer, batch);
      const ack = await this.#append(writer, batch, { events, expected: expects === 'any' ? ANY : expected });
      if (ack === undefined) break;
      this.acks.push(ack);
      this.#onAck?.();
      expected = ack.firstRevision + BigInt(events.length) - 1n;
    }
  }

  /** Sends an append until its outcome is known. */
  async #append(
    writer: string,
    batch: number,
    { events, expected }: { readonly events: readonly NewEvent[]; readonly expected: AppendStreamState },
  ): Promise<Ack | undefined> {
    const name = `Batch ${batch} of ${writer}`;
    for (let attempt = 0; attempt < attempts; attempt++) {
      try {
        const { success, nextExpectedRevision, position } = await this.#client.appendToStream(
          tortureStream(writer),
          events.map(eventData),
          { streamState: expected, deadline: deadlineMs },
        );
        if (!success || position === undefined) throw new Error(`success ${success}, position ${position?.commit}`);
        const firstRevision = nextExpectedRevision - BigInt(events.length) + 1n;
        return { writer, batch, firstRevision, position: position.commit };
      } catch (error) {
        this.unknown++;
        if (!isUnknown(error)) {
          this.refusals.push(`${name} was sent again, as it had been, and was answered with ${String(error)}.`);
          return undefined;
        }
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
    this.pending.push(`${name} has no answer after ${attempts} attempts.`);
    return undefined;
  }
}

/** Whether an error says nothing about what became of the append. */
function isUnknown(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const names = ['UnavailableError', 'CancelledError', 'DeadlineExceededError', 'TimeoutError', 'UnknownError'];
  // Some of these pass through the client as they come from the channel below, which numbers them.
  return names.includes(error.constructor.name) || ('code' in error && [1, 2, 4, 14].includes(Number(error.code)));
}

function eventData({ id, type, data, metadata }: NewEvent): EventData {
  return binaryEvent({ id, type, data, ...(metadata === undefined ? {} : { metadata }) });
}
