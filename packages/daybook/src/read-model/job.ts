/** How far a long piece of work is. */
export interface Progress {
  readonly phase: 'folding' | 'comparing' | 'tracing' | 'repairing' | 'switching';
  /** Events or rows, by phase. */
  readonly done: number;
  /** As far as it is known. */
  readonly total: number | undefined;
  readonly perSecond: number;
  /** Until the phase is over, if it goes on like this. */
  readonly remainingMs: number | undefined;
}

/** A long piece of work that begins when it is awaited or followed. Leaving the loop stops it. */
export interface Job<Result> extends AsyncIterable<Progress> {
  /** Works on to the end, and gives what came out. */
  result(): Promise<Result>;
}

/** Work as steps that say how far they are. */
export type Steps<Result> = AsyncGenerator<Progress, Result, undefined>;

/** The job that takes these steps. */
export function jobOf<Result>(steps: Steps<Result>): Job<Result> {
  let outcome: { readonly result: Result } | undefined;
  let isLeft = false;
  const next = async (): Promise<Progress | undefined> => {
    if (outcome !== undefined || isLeft) return undefined;
    const step = await steps.next();
    if (step.done !== true) return step.value;
    outcome = { result: step.value };
    return undefined;
  };
  return {
    async *[Symbol.asyncIterator]() {
      let isDone = false;
      try {
        for (let progress = await next(); progress !== undefined; progress = await next()) yield progress;
        isDone = true;
      } finally {
        // Whoever leaves the loop leaves the work: what it holds is released.
        if (!isDone) {
          isLeft = true;
          await steps.return(undefined as never);
        }
      }
    },
    async result() {
      while ((await next()) !== undefined);
      if (outcome === undefined) throw new TypeError('The job was left before its end.');
      return outcome.result;
    },
  };
}

/** What is known of a phase when it begins. */
interface PaceOptions {
  /** Events or rows, if it is known how many there are. */
  readonly total?: number | undefined;
  /** Milliseconds since some moment. Default: `performance.now`. */
  readonly monotonicMs?: () => number;
}

/** Measures a phase. */
export class Pace {
  readonly #phase: Progress['phase'];
  readonly #total: number | undefined;
  readonly #monotonicMs: () => number;
  readonly #beganMs: number;
  #done = 0;

  /** Begins now. */
  constructor(phase: Progress['phase'], { total, monotonicMs = () => performance.now() }: PaceOptions = {}) {
    this.#phase = phase;
    this.#total = total;
    this.#monotonicMs = monotonicMs;
    this.#beganMs = monotonicMs();
  }

  /** So much more is done. */
  advance(count: number): Progress {
    this.#done += count;
    const perSecond = (this.#done / Math.max(1, this.#monotonicMs() - this.#beganMs)) * 1_000;
    const left = this.#total === undefined ? undefined : Math.max(0, this.#total - this.#done);
    return {
      phase: this.#phase,
      done: this.#done,
      total: this.#total,
      perSecond,
      remainingMs: left === undefined || perSecond === 0 ? undefined : (left / perSecond) * 1_000,
    };
  }
}
