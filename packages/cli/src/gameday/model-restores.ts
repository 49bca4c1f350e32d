import { cp } from 'node:fs/promises';

import { keep, putBack } from './database.ts';
import type { ModelGround } from './ground.ts';
import { judgeModel } from './judge-model.ts';
import { mended } from './mend.ts';
import { failed, type Outcome } from './outcome.ts';

/** The tables are restored to a copy from before. The read model goes on from there by itself. */
export async function restoreTables(ground: ModelGround): Promise<Outcome> {
  await ground.fill(ground.before);
  const first = await mended(ground);
  if ('outcome' in first) return first.outcome;
  await ground.withTables(keep);
  await ground.fill(ground.later);
  const second = await mended(ground);
  if ('outcome' in second) return second.outcome;
  await ground.withTables(putBack);
  const mend = await mended(ground);
  if ('outcome' in mend) return mend.outcome;
  await using store = await ground.openLog();
  return await judgeModel(ground, store, { repairedMs: mend.tookMs });
}

/** The log is restored to a copy from before. The read model refuses to go on, and is rebuilt from the log that is. */
export async function restoreLog(ground: ModelGround): Promise<Outcome> {
  const { rebuildReadModel, runReadModel } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
  await ground.fill(ground.before);
  for (const file of ['', '-head']) await cp(ground.log + file, `${ground.log}.kept${file}`);
  await ground.fill(ground.later);
  const first = await mended(ground);
  if ('outcome' in first) return first.outcome;
  const restored = `${ground.log}.kept`;
  const began = performance.now();
  await using store = await ground.openLog(restored);
  const refusal = await ground.withTables(async (db) => {
    try {
      await using run = await runReadModel(store, ground.model, { db });
      return run.status().state;
    } catch (error) {
      return String(Reflect.get(Object(error), 'code'));
    }
  });
  const detectedMs = performance.now() - began;
  if (refusal !== 'log-restored') {
    return failed(`it went on with a log that has lost events it has seen (${refusal})`);
  }
  const reason = { who: 'daybook gameday', why: 'the log was restored' };
  const rebuilding = performance.now();
  await ground.withTables((db) =>
    rebuildReadModel(store, ground.model, { db, reason, signal: ground.signal }).result(),
  );
  return await judgeModel(ground, store, { detectedMs, repairedMs: performance.now() - rebuilding });
}
