import { setTimeout as pause } from 'node:timers/promises';

import { streamName, type EventStore, type StreamName } from 'daybook';
import { watchConsumers, type Alert } from 'daybook/consumer';

import { alertBudgetMs, pace } from './plan.ts';

/** Looks are so far apart. */
export const lookEveryMs = 20;

/** So many looks there are in any case: a machine may stand still for longer than somebody may wait for an alert. */
const looksAtLeast = 100;

/** Whoever is watched. */
export interface Watched {
  readonly name: string;
  readonly sources: readonly { readonly stream: string }[];
}

/** The first alert about somebody, and how long after a moment it came. `undefined`: nobody was told in time. */
export async function alertAfter(
  store: EventStore,
  { name, sources }: Watched,
  { sinceMs, signal }: { readonly sinceMs: number; readonly signal: AbortSignal },
): Promise<{ readonly afterMs: number; readonly alert: Alert } | undefined> {
  await using watch = watchConsumers(store, watching({ name, sources }, signal));
  for (let looks = 0; performance.now() - sinceMs <= alertBudgetMs || looks < looksAtLeast; looks++) {
    const { firing } = await watch.look();
    const alert = firing.find(({ consumer }) => consumer === name);
    if (alert !== undefined) return { afterMs: performance.now() - sinceMs, alert };
    await pause(lookEveryMs, undefined, { signal });
  }
  return undefined;
}

/** Whether the alerts about somebody end in time. */
export async function alertEnds(store: EventStore, watched: Watched, signal: AbortSignal): Promise<boolean> {
  await using watch = watchConsumers(store, watching(watched, signal));
  const began = performance.now();
  for (let looks = 0; performance.now() - began <= alertBudgetMs || looks < looksAtLeast; looks++) {
    const { firing } = await watch.look();
    if (firing.every(({ consumer }) => consumer !== watched.name)) return true;
    await pause(lookEveryMs, undefined, { signal });
  }
  return false;
}

function watching(
  { name, sources }: Watched,
  signal: AbortSignal,
): {
  readonly everyMs: number;
  readonly retryingMs: number;
  readonly expect: readonly { readonly name: string; readonly sources: readonly { readonly stream: StreamName }[] }[];
  readonly signal: AbortSignal;
} {
  const expect = [{ name, sources: sources.map(({ stream }) => ({ stream: streamName(stream) })) }];
  return { everyMs: pace.outageMs, retryingMs: pace.retryingMs, expect, signal };
}
