/** How long things took, and how many there were. */
export interface Measured {
  readonly events: number;
  readonly seconds: number;
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Sums up: `times` are milliseconds, one for each thing that was waited for. */
export function measured(events: number, totalMs: number, times: readonly number[]): Measured {
  const sorted = Float64Array.from(times).toSorted();
  return {
    events,
    seconds: round(totalMs / 1_000),
    eventsPerSecond: Math.round((events / totalMs) * 1_000),
    p50Ms: round(quantile(sorted, 0.5)),
    p99Ms: round(quantile(sorted, 0.99)),
    maxMs: round(sorted.at(-1) ?? 0),
  };
}

/** The value below which a share of the sorted values lies. */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
