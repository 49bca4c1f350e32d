import { setTimeout as pause } from 'node:timers/promises';

import type { EventStore } from 'daybook';
import { readParked, requestControl, setCheckpoint } from 'daybook/consumer';

import { lookEveryMs } from './alert.ts';
import type { ConsumerGround } from './ground.ts';
import { judgeConsumer } from './judge-consumer.ts';
import {
  detected,
  detectedUnder,
  handledAll,
  handledRest,
  mended,
  middle,
  unlessAlerting,
  untilFault,
} from './mend.ts';
import { failed, type Outcome } from './outcome.ts';
import { pace, type Fault } from './plan.ts';

/** So often the process is killed, each time further on. */
const kills = 3;
const hourMs = 3_600_000;
const shortLeaseMs = 1_000;
const reason = { who: 'daybook gameday', why: 'a game day' };

/** The process is killed right after an event was handled, before anything says so, several times. */
export async function killConsumer(ground: ConsumerGround): Promise<Outcome> {
  await ground.fill();
  await using store = await ground.openLog();
  const at = Math.max(1, Math.floor(ground.size.handled / (kills + 1)));
  let detectedMs: number | undefined;
  for (let time = 1; time <= kills; time++) {
    await using killed = ground.start({ kind: 'kill', at });
    const outcome = await handledAll(killed);
    if (outcome === undefined) return time === 1 ? failed('it was not killed') : judge(ground, store, { detectedMs });
    const gone = await killed.until();
    if (gone.kind !== 'gone' || gone.signal !== 'SIGKILL') return outcome;
    if (detectedMs !== undefined) continue;
    const alert = await detected(store, ground, performance.now());
    if ('outcome' in alert) return alert.outcome;
    detectedMs = alert.tookMs;
  }
  const mend = await mended(ground);
  if ('outcome' in mend) return mend.outcome;
  return await judge(ground, store, { detectedMs, repairedMs: mend.tookMs });
}

/** A handler does not come back: it is tried again, and then parked or halted at. A person starts it again. */
export function hangConsumer(ground: ConsumerGround): Promise<Outcome> {
  return troubled(ground, { kind: 'hang', at: middle(ground) });
}

/** An event fails until the handler is changed: it is parked or halted at, and then tried again. */
export function poisonConsumer(ground: ConsumerGround): Promise<Outcome> {
  return troubled(ground, { kind: 'fail', at: middle(ground) });
}

async function troubled(ground: ConsumerGround, fault: Fault): Promise<Outcome> {
  await ground.fill();
  await using store = await ground.openLog();
  const alert = await detectedUnder(store, ground, fault);
  if ('outcome' in alert) return alert.outcome;
  const began = performance.now();
  await using restarted = ground.start({ kind: 'none' });
  const outcome = (await handledAll(restarted)) ?? (await unparked(ground, store)) ?? (await handledRest(restarted));
  if (outcome !== undefined) return outcome;
  const repairedMs = performance.now() - began;
  await restarted.end();
  return await judge(ground, store, { detectedMs: alert.tookMs, repairedMs });
}

/** Has everything that is parked tried again, and waits until nothing is. Gives what went wrong. */
async function unparked({ name, signal }: ConsumerGround, store: EventStore): Promise<Outcome | undefined> {
  if ((await readParked(store, name)).size === 0) return undefined;
  await requestControl(store, name, { kind: 'retry', ...reason });
  for (const began = performance.now(); performance.now() - began < pace.outageMs * 2;) {
    if ((await readParked(store, name)).size === 0) return undefined;
    await pause(lookEveryMs, undefined, { signal });
  }
  return failed('what was parked is parked still, although it was tried again');
}

/** Every event comes again, as after a checkpoint that was set back. */
export async function repeatConsumer(ground: ConsumerGround): Promise<Outcome> {
  await ground.fill();
  await using store = await ground.openLog();
  const first = await mended(ground);
  if ('outcome' in first) return first.outcome;
  for (const { stream } of ground.consumer.sources) {
    await setCheckpoint(store, { source: stream, consumer: ground.name }, { to: 'start', ...reason });
  }
  const mend = await mended(ground);
  if ('outcome' in mend) return mend.outcome;
  return await judge(ground, store, { repairedMs: mend.tookMs });
}

/** One instance sleeps in the middle of a handler, another takes over, and the first wakes up when all is done. */
export async function twoConsumers(ground: ConsumerGround): Promise<Outcome> {
  await ground.fill();
  await using store = await ground.openLog();
  await using sleeper = ground.start({ kind: 'sleep', at: middle(ground) }, { leaseMs: shortLeaseMs });
  const asleep = await untilFault(sleeper);
  if (asleep !== undefined) return asleep;
  const alert = await detected(store, ground, performance.now());
  if ('outcome' in alert) return alert.outcome;
  const mend = await mended(ground, { leaseMs: shortLeaseMs });
  sleeper.kill('SIGCONT');
  await sleeper.end(); // What it was handling is handled, and its checkpoint refused.
  if ('outcome' in mend) return mend.outcome;
  return await judge(ground, store, { detectedMs: alert.tookMs, repairedMs: mend.tookMs });
}

/** The process runs in another time zone, on another day, and its clock is put back in the middle. */
export async function jumpConsumerClock(ground: ConsumerGround): Promise<Outcome> {
  await ground.fill();
  const fault = { kind: 'clock', at: middle(ground), offsetMs: 25 * hourMs, jumpMs: -2 * hourMs } as const;
  const began = performance.now();
  await using played = ground.start(fault, {}, { TZ: 'Pacific/Kiritimati' });
  const outcome = await handledAll(played);
  if (outcome !== undefined) return outcome;
  const repairedMs = performance.now() - began;
  await played.end();
  await using store = await ground.openLog();
  return await judge(ground, store, { repairedMs });
}

async function judge(
  ground: ConsumerGround,
  store: EventStore,
  times: Pick<Outcome, 'detectedMs' | 'repairedMs'>,
): Promise<Outcome> {
  const outcome = await judgeConsumer(ground, store, times);
  return times.detectedMs === undefined ? outcome : unlessAlerting(store, ground, outcome);
}
