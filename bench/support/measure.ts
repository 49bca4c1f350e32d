/** Something that was done so often in so much time. */
export interface Measured {
  readonly perSecond: number;
  /** How long single calls took, in milliseconds, from the shortest on. Empty when nobody looked. */
  readonly latencies: readonly number[];
}

/** One side of a comparison: does its work for about so long, and says how much it did. */
export type Side = (seconds: number) => Promise<Measured> | Measured;

/** Two sides, measured in turns: what shakes the machine shakes both. */
export interface Comparison {
  /** How many times as fast `ours` is, in the middle of all rounds. */
  readonly ratio: number;
  /** From the worst round to the best. */
  readonly ratios: readonly [number, number];
  readonly ours: number;
  readonly theirs: number;
  /** Latencies of our side, of all rounds. */
  readonly latencies: readonly number[];
}

export interface CompareOptions {
  readonly ours: Side;
  readonly theirs: Side;
  readonly seconds: number;
  readonly repeats: number;
}

/** Measures both sides in turns, after a short warm-up of each. */
export async function compare({ ours, theirs, seconds, repeats }: CompareOptions): Promise<Comparison> {
  await theirs(seconds / 5);
  await ours(seconds / 5);
  const rounds: { readonly ours: Measured; readonly theirs: Measured }[] = [];
  for (let round = 0; round < repeats; round++) {
    // Who goes first changes, so that neither always runs on what the other left behind.
    if (round % 2 === 0) {
      const first = await theirs(seconds);
      rounds.push({ theirs: first, ours: await ours(seconds) });
    } else {
      const first = await ours(seconds);
      rounds.push({ ours: first, theirs: await theirs(seconds) });
    }
  }
  const ratios = rounds.map((round) => round.ours.perSecond / round.theirs.perSecond);
  return {
    ratio: significant(median(ratios)),
    ratios: [significant(Math.min(...ratios)), significant(Math.max(...ratios))],
    ours: Math.round(median(rounds.map((round) => round.ours.perSecond))),
    theirs: Math.round(median(rounds.map((round) => round.theirs.perSecond))),
    latencies: rounds.flatMap((round) => round.ours.latencies).toSorted((a, b) => a - b),
  };
}

/** Repeats `work`, which says how much it did, for so long. */
export async function repeatFor(seconds: number, work: () => Promise<number> | number): Promise<Measured> {
  const began = performance.now();
  const end = began + seconds * 1_000;
  let done = 0;
  do done += await work();
  while (performance.now() < end);
  return { perSecond: (done / (performance.now() - began)) * 1_000, latencies: [] };
}

/** So many callers repeat `call`, which does `size` things, each waiting for its own answer. */
export async function callersFor(
  seconds: number,
  { callers, size, call }: { readonly callers: number; readonly size: number; readonly call: () => Promise<unknown> },
): Promise<Measured> {
  const began = performance.now();
  const end = began + seconds * 1_000;
  const latencies: number[] = [];
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (let before = performance.now(); before < end;) {
        await call();
        const after = performance.now();
        latencies.push(after - before);
        before = after;
      }
    }),
  );
  const perSecond = ((latencies.length * size) / (performance.now() - began)) * 1_000;
  return { perSecond, latencies: latencies.toSorted((a, b) => a - b) };
}

export function median(numbers: readonly number[]): number {
  return quantile(
    numbers.toSorted((a, b) => a - b),
    0.5,
  );
}

/** The number that so much of all lies below: 0.99 for the 99th percentile. */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** Three significant digits. */
export function significant(number: number): number {
  return Number(number.toPrecision(3));
}

/** The middle and the tail of latencies, for a line of JSON. */
export function tail(latencies: readonly number[]): { p50Ms: number; p99Ms: number; p999Ms: number } {
  return {
    p50Ms: significant(quantile(latencies, 0.5)),
    p99Ms: significant(quantile(latencies, 0.99)),
    p999Ms: significant(quantile(latencies, 0.999)),
  };
}

interface Line {
  readonly ratio: number;
  readonly question: string;
  /** What the ratio must be at least, unless the bench says for itself whether it `isMet`. */
  readonly budget?: unknown;
  readonly rows?: readonly (Row & Record<string, unknown>)[];
}

interface Row {
  readonly ratio: number;
  readonly budget?: number | undefined;
  readonly p99Ms?: number;
  readonly p99BudgetMs?: number;
}

/** Prints what a bench found, as one line, and whether that is within its budgets. */
export function print(line: Line & Record<string, unknown>): void {
  const { ratio, question, budget, rows = [], ...rest } = line;
  const isMet = (typeof budget !== 'number' || ratio >= budget) && rows.every(isWithin);
  console.log(JSON.stringify({ ratio, question, budget, isMet, ...rest, ...(rows.length > 0 && { rows }) }));
}

function isWithin({ ratio, budget = 0, p99Ms = 0, p99BudgetMs = Infinity }: Row): boolean {
  return ratio >= budget && p99Ms < p99BudgetMs;
}
