import type { EventStore } from 'daybook';

import type { Call } from '../grpc/call.ts';
import { GrpcError, status } from '../grpc/status.ts';
import type { ProposedMessage } from '../protocol/append-messages.ts';
import {
  correlationKey,
  readBatchRequest,
  type BatchAnswer,
  type BatchOptions,
  type BatchRequest,
} from '../protocol/batch-messages.ts';
import { Reader } from '../protocol/reader.ts';
import { AnswerOutbox } from './answer-outbox.ts';
import { appendOrCheck, collectedBytesAtMost } from './append.ts';
import { batchTooLarge, timedOut, toBatchError } from './batch-error.ts';
import { completeEvent, parseWrite } from './parse-request.ts';

/**
 * How long an append may take when the client does not say: what the clients say unless they are told otherwise.
 * KurrentDB gives up after two seconds whatever they say, and may write the append all the same; here they decide how
 * long they wait for the answer.
 */
const defaultTimeoutMs = 10_000;

/** How often appends are asked whether their time is over. */
const sweepMs = 250;

/** Appends of one call that have no answer yet. A client that sends more waits until some have. */
const openAppendsAtMost = 32_768;

/** Bytes of the appends of one call that have no answer yet, likewise. */
const openBytesAtMost: number = 2 * collectedBytesAtMost;

/** BatchAppend: many appends at once, answered in the order in which they are done. */
export async function batchAppend(store: EventStore, call: Call): Promise<void> {
  using batch = new Batch(store, call);
  for await (const message of call.messages) {
    batch.take(readBatchRequest(new Reader(message), Date.now()), message.length);
    if (batch.isFull) await batch.room();
  }
  await batch.finished();
}

/** One append, from its first part to its answer. */
interface OpenAppend {
  readonly key: string;
  readonly correlationId: Buffer;
  readonly options: BatchOptions;
  readonly deadlineMs: number;
  readonly events: ProposedMessage[];
  sizeBytes: number;
  /** All its parts are there, and the store has it. */
  isStarted: boolean;
}

class Batch implements Disposable {
  readonly #store: EventStore;
  readonly #outbox: AnswerOutbox;
  readonly #open = new Map<string, OpenAppend>();
  /** Appends that the store works on, those nobody waits for any more included. */
  #started = 0;
  #bytes = 0;
  #wake: (() => void) | undefined;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(store: EventStore, call: Call) {
    this.#store = store;
    this.#outbox = new AnswerOutbox(call);
  }

  get isFull(): boolean {
    return this.#started >= openAppendsAtMost || (this.#bytes >= openBytesAtMost && this.#started > 0);
  }

  /** Takes a part of an append. With the last one it begins. */
  take(request: BatchRequest, sizeBytes: number): void {
    const append = this.#appendOf(request);
    if (append === undefined) return; // A part of an append that was given up already.
    append.sizeBytes += sizeBytes;
    this.#bytes += sizeBytes;
    if (append.sizeBytes > collectedBytesAtMost) {
      this.#answer(append, { error: batchTooLarge(collectedBytesAtMost) });
      return;
    }
    for (const event of request.events) append.events.push(event);
    if (append.deadlineMs <= Date.now()) this.#answer(append, { error: timedOut });
    else if (request.isFinal) void this.#start(append);
  }

  /** Resolves when the client may send more. */
  async room(): Promise<void> {
    while (this.isFull) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  /** Resolves when everything that was begun has its answer. What the client never finished is forgotten. */
  async finished(): Promise<void> {
    while (this.#started > 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    await this.#outbox.sent();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#sweeper);
    this.#open.clear();
  }

  #appendOf({ correlationId, options }: BatchRequest): OpenAppend | undefined {
    const key = correlationKey(correlationId);
    const known = this.#open.get(key);
    if (known?.isStarted === true) throw new GrpcError(status.invalidArgument, 'A correlation id is used twice.');
    if (known !== undefined || options === undefined) return known;
    if (this.#open.size - this.#started >= openAppendsAtMost) {
      throw new GrpcError(status.resourceExhausted, `More than ${openAppendsAtMost} appends are not finished.`);
    }
    const deadlineMs = options.deadlineMs ?? Date.now() + defaultTimeoutMs;
    const append = { key, correlationId, options, deadlineMs, events: [], sizeBytes: 0, isStarted: false };
    this.#open.set(key, append);
    this.#sweeper ??= setInterval(() => this.#sweep(), sweepMs).unref();
    return append;
  }

  async #start(append: OpenAppend): Promise<void> {
    append.isStarted = true;
    this.#started += 1;
    let result: BatchAnswer['result'];
    try {
      const write = parseWrite(append.options);
      for (const event of append.events) completeEvent(event);
      result = { success: await appendOrCheck(this.#store, write, append.events) };
    } catch (error) {
      result = { error: toBatchError(error, append.options.expected) };
    }
    this.#started -= 1;
    this.#answer(append, result);
    this.#wake?.();
  }

  /** Sends the answer to an append, unless it has one: a store may be done after the client stopped waiting. */
  #answer(append: OpenAppend, result: BatchAnswer['result']): void {
    if (this.#open.get(append.key) !== append) return;
    this.#open.delete(append.key);
    this.#bytes -= append.sizeBytes;
    const { correlationId, options } = append;
    this.#outbox.put({ correlationId, stream: options.stream, expected: options.expected, result });
    if (this.#open.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  #sweep(): void {
    const nowMs = Date.now();
    for (const append of this.#open.values()) {
      if (append.deadlineMs <= nowMs) this.#answer(append, { error: timedOut });
    }
  }
}
