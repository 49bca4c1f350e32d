import type { PlayedProcess } from './child-process.ts';
import type { ModelGround } from './ground.ts';
import { broken, judgeModel } from './judge-model.ts';
import { detected, detectedUnder, handledAll, mended, middle, unlessAlerting, untilFault } from './mend.ts';
import { failed, type Outcome } from './outcome.ts';
import { pace, type Fault } from './plan.ts';

/** So often the process is killed, each time further on. */
const kills = 3;

/** The process is killed between two statements of a transaction, several times, and started again. */
export async function killModel(ground: ModelGround): Promise<Outcome> {
  await ground.fill();
  await using store = await ground.openLog();
  const at = Math.max(1, Math.floor(ground.size.statements / (kills + 1)));
  let detectedMs: number | undefined;
  for (let time = 1; time <= kills; time++) {
    await using killed = ground.start({ kind: 'kill', at });
    const outcome = await handledAll(killed);
    if (outcome === undefined) return failed('it was not killed');
    const gone = await killed.until();
    if (gone.kind !== 'gone' || gone.signal !== 'SIGKILL') return outcome;
    if (detectedMs !== undefined) continue;
    const alert = await detected(store, ground, performance.now());
    if ('outcome' in alert) return alert.outcome;
    detectedMs = alert.tookMs;
  }
  const mend = await mended(ground);
  if ('outcome' in mend) return mend.outcome;
  return await unlessAlerting(store, ground, await judgeModel(ground, store, { detectedMs, repairedMs: mend.tookMs }));
}

/** A handler does not come back. Somebody is told; a person kills the process and starts it again. */
export function hangModel(ground: ModelGround): Promise<Outcome> {
  return troubled(ground, { kind: 'hang', at: middle(ground) });
}

/** A handler fails at one event until it is changed. Nothing behind the event may be in the tables before. */
export function poisonModel(ground: ModelGround): Promise<Outcome> {
  return troubled(ground, { kind: 'fail', at: middle(ground) });
}

async function troubled(ground: ModelGround, fault: Fault): Promise<Outcome> {
  await ground.fill();
  await using store = await ground.openLog();
  const alert = await detectedUnder(store, ground, fault);
  if ('outcome' in alert) return alert.outcome;
  const mend = await mended(ground);
  if ('outcome' in mend) return mend.outcome;
  return await unlessAlerting(
    store,
    ground,
    await judgeModel(ground, store, { detectedMs: alert.tookMs, repairedMs: mend.tookMs }),
  );
}

/** The database refuses every connection for five minutes, at a hundredth of the time. A run that gives up is started again. */
export async function loseDatabase(ground: ModelGround): Promise<Outcome> {
  await ground.fill();
  await using store = await ground.openLog();
  await using played = ground.start({ kind: 'unreachable', at: middle(ground), forMs: pace.outageMs });
  const begun = await untilFault(played);
  if (begun !== undefined) return begun;
  const alert = await detected(store, ground, performance.now());
  if ('outcome' in alert) return alert.outcome;
  const over = await played.until('over');
  if (over.kind !== 'over' && over.kind !== 'failed') return broken(over);
  const began = performance.now();
  const outcome = over.kind === 'over' ? await reachedAfter(played) : 'given-up';
  let repairedMs = performance.now() - began;
  if (outcome === 'reached') {
    await played.end(); // Killed now, its last word could still be that it waits for the database.
  } else {
    await played[Symbol.asyncDispose]();
    const mend = await mended(ground);
    if ('outcome' in mend) return mend.outcome;
    repairedMs += mend.tookMs;
  }
  return await unlessAlerting(store, ground, await judgeModel(ground, store, { detectedMs: alert.tookMs, repairedMs }));
}

/** A run that was tried often enough has given up. Whatever watches over it starts it again. */
async function reachedAfter(played: PlayedProcess): Promise<'reached' | 'given-up'> {
  const heard = await played.until('reached');
  return heard.kind === 'reached' ? 'reached' : 'given-up';
}
