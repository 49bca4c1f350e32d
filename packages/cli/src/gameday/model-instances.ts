import type { ModelGround } from './ground.ts';
import { broken, judgeModel } from './judge-model.ts';
import { handledAll, handledRest } from './mend.ts';
import { type Outcome } from './outcome.ts';
import { pace } from './plan.ts';

/** How long an instance that says nothing keeps its place in this scenario. */
const shortLeaseMs = 1_000;
const hourMs = 3_600_000;

/** One instance sleeps through its lease, another takes over, and the first wakes up in the middle of it. */
export async function twoWriters(ground: ModelGround): Promise<Outcome> {
  await ground.fill(ground.before);
  // It says nothing while it has nothing to do, so that it is not stopped in the middle of an append.
  const lease = { leaseMs: shortLeaseMs };
  await using sleeper = ground.start({ kind: 'none' }, { ...lease, heartbeatMs: hourMs });
  const first = await handledAll(sleeper);
  if (first !== undefined) return first;
  sleeper.tell('stop');
  const stopped = await sleeper.until('stopping');
  if (stopped.kind !== 'stopping') return broken(stopped);
  await ground.fill(ground.later.slice(0, -1));
  const began = performance.now();
  await using successor = ground.start({ kind: 'none' }, lease);
  const second = await handledAll(successor);
  if (second !== undefined) return second;
  const repairedMs = performance.now() - began;
  sleeper.kill('SIGCONT');
  sleeper.tell('reach');
  await ground.fill(ground.later.slice(-1));
  const third = await handledRest(successor);
  if (third !== undefined) return third;
  await sleeper[Symbol.asyncDispose]();
  await successor.end();
  await using store = await ground.openLog();
  return await judgeModel(ground, store, { repairedMs });
}

/** The process runs in another time zone, on another day, and its clock is put back in the middle. */
export async function jumpClock(ground: ModelGround): Promise<Outcome> {
  await ground.fill();
  const at = Math.max(1, Math.ceil(ground.size.handled / 2));
  const fault = { kind: 'clock', at, offsetMs: 25 * hourMs, jumpMs: -2 * hourMs } as const;
  const began = performance.now();
  await using played = ground.start(
    fault,
    { leaseMs: pace.leaseMs },
    { TZ: 'Pacific/Kiritimati', LC_ALL: 'de_DE.UTF-8' },
  );
  const outcome = await handledAll(played);
  if (outcome !== undefined) return outcome;
  const repairedMs = performance.now() - began;
  await played.end();
  await using store = await ground.openLog();
  return await judgeModel(ground, store, { repairedMs });
}
