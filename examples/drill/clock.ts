import type { EventStore } from 'daybook';
import { systemClock, type Clock } from 'daybook/consumer';

/** The clock of the incident: it is still 2016, and a second takes a second. Everything that the drill runs goes by it. */
export class DrillClock implements Clock {
  #beginMs: number;
  #sinceMs: number = performance.now();

  constructor(begin: Date) {
    this.#beginMs = begin.getTime();
  }

  now(): number {
    return Math.floor(this.#beginMs + performance.now() - this.#sinceMs);
  }

  monotonicMs(): number {
    return systemClock.monotonicMs();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal);
  }

  random(): number {
    return systemClock.random();
  }

  /** Goes on at this time, or where the log ends, whichever is later: a drill that is begun again does not go back. */
  async goOnAt(time: Date, store: EventStore): Promise<void> {
    let lastMs = time.getTime();
    for await (const { created } of store.readAll({ direction: 'backwards', limit: 1 })) {
      lastMs = Math.max(lastMs, created.getTime());
    }
    this.#beginMs = lastMs;
    this.#sinceMs = performance.now();
  }
}
