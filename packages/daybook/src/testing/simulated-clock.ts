import { setImmediate as turn } from 'node:timers/promises';

import type { Clock } from '../consumer/clock.ts';

/** So many turns of the event loop settle everything that does not wait for time. */
const turnsToSettle = 12;

interface Timer {
  readonly atMs: number;
  readonly number: number;
  readonly resolve: () => void;
}

export interface SimulatedClockOptions {
  /** Where it begins. Default: 2026-01-01T00:00:00Z. */
  readonly startMs?: number;
  /** The same seed gives the same chances. Default: 1. */
  readonly seed?: number;
}

/**
 * A clock that a test turns: nothing waits for real time, and the same seed gives the same run. For what works in
 * memory; what waits for a disk or a network is not settled when a turn of the event loop is over.
 */
export class SimulatedClock implements Clock {
  readonly #timers = new Set<Timer>();
  #monotonicMs = 0;
  #wallMs: number;
  #numbers = 0;
  #state: number;

  constructor({ startMs = Date.UTC(2026, 0, 1), seed = 1 }: SimulatedClockOptions = {}) {
    this.#wallMs = startMs;
    this.#state = seed >>> 0;
  }

  now(): number {
    return Math.floor(this.#wallMs); // As those of machines are.
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** How many sleep. */
  get sleepers(): number {
    return this.#timers.size;
  }

  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#numbers += 1;
    const timer = { atMs: this.#monotonicMs + Math.max(0, ms), number: this.#numbers, resolve };
    this.#timers.add(timer);
    const abort = (): void => reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      this.#timers.delete(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Lets everything happen that does not wait for time. */
  async settle(): Promise<void> {
    for (let i = 0; i < turnsToSettle; i += 1) await turn();
  }

  /** Lets time pass: every sleeper wakes at its time, and what it does then is settled before the next one wakes. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms;
    await this.settle();
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#moveTo(next.atMs);
      this.#timers.delete(next);
      next.resolve();
      await this.settle();
    }
    this.#moveTo(untilMs);
  }

  /** Lets time pass until something is so, for an hour at most unless told otherwise. */
  async until(condition: () => boolean | Promise<boolean>, withinMs = 3_600_000): Promise<void> {
    const endMs = this.#monotonicMs + withinMs;
    await this.settle();
    while (!(await condition())) {
      const next = this.#next(endMs);
      if (next === undefined) throw new Error(`It is not so after ${withinMs} ms: ${String(condition)}`);
      await this.advance(next.atMs - this.#monotonicMs);
    }
  }

  /** Somebody turns the clock on the wall. Time itself goes on as before. */
  jump(ms: number): void {
    this.#wallMs += ms;
  }

  #next(untilMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.atMs > untilMs) continue;
      if (
        first === undefined ||
        timer.atMs < first.atMs ||
        (timer.atMs === first.atMs && timer.number < first.number)
      ) {
        first = timer;
      }
    }
    return first;
  }

  #moveTo(ms: number): void {
    if (ms <= this.#monotonicMs) return;
    this.#wallMs += ms - this.#monotonicMs;
    this.#monotonicMs = ms;
  }
}
