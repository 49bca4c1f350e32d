import type { EventStore } from 'daybook';

import { alertAfter, alertEnds, type Watched } from './alert.ts';
import type { PlayedProcess } from './child-process.ts';
import type { ConsumerGround, ModelGround } from './ground.ts';
import { broken } from './judge-model.ts';
import { failed, type Outcome } from './outcome.ts';
import { alertBudgetMs, type Fault, type Plan } from './plan.ts';

/** How long something took, or what went wrong. */
export type Timed = { readonly tookMs: number } | { readonly outcome: Outcome };

/** Starts whoever is played without a fault, and waits until everything is handled. */
export async function mended(ground: ModelGround | ConsumerGround, changes: Partial<Plan> = {}): Promise<Timed> {
  const began = performance.now();
  await using restarted = ground.start({ kind: 'none' }, changes);
  const reached = await handledAll(restarted);
  if (reached !== undefined) return { outcome: reached };
  const tookMs = performance.now() - began;
  await restarted.end();
  return { tookMs };
}

/** Waits until a process has handled everything that is in the log. Gives what went wrong. */
export async function handledAll(played: PlayedProcess): Promise<Outcome | undefined> {
  const ready = await played.until('ready');
  return ready.kind === 'ready' ? handledRest(played) : broken(ready);
}

/** The same for a process that runs. */
export async function handledRest(played: PlayedProcess): Promise<Outcome | undefined> {
  played.tell('reach');
  const reached = await played.until('reached');
  return reached.kind === 'reached' ? undefined : broken(reached);
}

/** The event in the middle of those that are handled. */
export function middle({ size }: ModelGround | ConsumerGround): number {
  return Math.max(1, Math.ceil(size.handled / 2));
}

/** Lets a process begin, and waits until its fault does. Gives what went wrong. */
export async function untilFault(played: PlayedProcess): Promise<Outcome | undefined> {
  const ready = await played.until('ready');
  if (ready.kind !== 'ready') return broken(ready);
  played.tell('reach');
  const begun = await played.until('fault');
  return begun.kind === 'fault' ? undefined : broken(begun);
}

/** Plays a fault until somebody is told, and gives how long that took. */
export async function detectedUnder(
  store: EventStore,
  ground: ModelGround | ConsumerGround,
  fault: Fault,
): Promise<Timed> {
  await using played = ground.start(fault);
  const outcome = await untilFault(played);
  return outcome === undefined ? await detected(store, ground, performance.now()) : { outcome };
}

/** Waits until somebody is told, and gives how long that took. */
export async function detected(
  store: EventStore,
  ground: ModelGround | ConsumerGround,
  sinceMs: number,
): Promise<Timed> {
  const found = await alertAfter(store, watched(ground), { sinceMs, signal: ground.signal });
  if (found !== undefined) return { tookMs: found.afterMs };
  return { outcome: failed(`nobody was told within ${alertBudgetMs / 1_000} s`) };
}

/** What a judge says, unless the alert does not end although everything is mended. */
export async function unlessAlerting(
  store: EventStore,
  ground: ModelGround | ConsumerGround,
  outcome: Outcome,
): Promise<Outcome> {
  if (outcome.verdict !== 'held' || (await alertEnds(store, watched(ground), ground.signal))) return outcome;
  return { ...outcome, verdict: 'failed', why: 'the alert did not end when everything was handled' };
}

function watched(ground: ModelGround | ConsumerGround): Watched {
  return 'model' in ground ? ground.model : ground.consumer;
}
