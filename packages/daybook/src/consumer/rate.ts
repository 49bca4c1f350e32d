import type { Clock } from './clock.ts';

/** How much the newest measurement counts. */
const smoothing = 0.3;

/** How fast something is done, from one measurement to the next, and how long the rest takes at that. */
export class Rate {
  readonly #clock: Clock;
  #perSecond: number | undefined;
  #finished = 0;
  #atMs: number;

  /** Begins now, with nothing finished. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#atMs = clock.monotonicMs();
  }

  /** So much was finished since the beginning. */
  measure(finished: number): void {
    const now = this.#clock.monotonicMs();
    const seconds = (now - this.#atMs) / 1_000;
    if (seconds <= 0) return;
    const rate = (finished - this.#finished) / seconds;
    this.#perSecond = smoothing * rate + (1 - smoothing) * (this.#perSecond ?? rate);
    this.#finished = finished;
    this.#atMs = now;
  }

  /** What a status says about it, with so many events to go. Empty before the first measurement. */
  fields(lagEvents: number): { readonly ratePerSecond?: number; readonly etaMs?: number } {
    const perSecond = this.#perSecond;
    if (perSecond === undefined) return {};
    const ratePerSecond = Math.round(perSecond * 10) / 10;
    if (perSecond <= 0 || lagEvents <= 0) return { ratePerSecond };
    return { ratePerSecond, etaMs: Math.round((lagEvents / perSecond) * 1_000) };
  }
}
