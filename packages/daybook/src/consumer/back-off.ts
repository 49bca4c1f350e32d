import type { Clock } from './clock.ts';

/** How the time between tries grows. */
export interface BackOff {
  /** Before the second try. Default: 100. */
  readonly firstMs?: number | undefined;
  /** It doubles each time, up to this. Default: 30,000. */
  readonly mostMs?: number | undefined;
}

/**
 * How long to wait after so many failures. It doubles each time; a half of it is chance, so that many who failed
 * together do not try again together.
 */
export function backOffMs(failures: number, clock: Clock, { firstMs = 100, mostMs = 30_000 }: BackOff = {}): number {
  const most = Math.min(mostMs, firstMs * 2 ** Math.min(Math.max(0, failures - 1), 30));
  return most * (0.5 + clock.random() / 2);
}
