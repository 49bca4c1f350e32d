import { openSqliteStore } from 'daybook/sqlite';

import type { ConfiguredModel } from '../../config/config.ts';
import { loadConfig } from '../../config/load-config.ts';
import { emptied } from '../database.ts';
import { loggedEvents } from '../events.ts';
import type { Plan, Rehearsal } from '../plan.ts';
import { eventIn, failure, tell } from './voice.ts';

/** What a process of a game day does: one run of one consumer or read model, and what became of it. */
export async function play(plan: Plan | Rehearsal): Promise<void> {
  try {
    const { consumers, readModels } = await loadConfig(plan.config);
    const model = readModels.find((each) => each.model.name === plan.name);
    if ('scenario' in plan) {
      if (model !== undefined) await rehearse(plan, model);
    } else if (plan.kind === 'read-model') {
      const { playModel } = await import('./play-model.ts'); // Loaded when it is needed: it brings Kysely.
      if (model !== undefined) await playModel(plan, model);
    } else {
      const { playConsumer } = await import('./play-consumer.ts');
      await playConsumer(plan, consumers);
    }
  } catch (error) {
    await tell(failure(error));
    process.exitCode = 1;
  }
  process.disconnect?.();
}

async function rehearse({ log, scenario }: Rehearsal, { model, scratch }: ConfiguredModel): Promise<void> {
  const { gameday } = await import('daybook/testing/read-model'); // As above.
  await using store = await openSqliteStore(log);
  const events = await loggedEvents(store, Infinity);
  const [finding] = await gameday(model, {
    events,
    scenarios: [scenario],
    failuresAtMost: 50, // Each plays all events.
    ...(scratch !== undefined && { db: async () => emptied(await scratch()) }),
  });
  if (finding === undefined) await tell({ kind: 'reached', handled: events.length, statements: 0 });
  else await tell({ kind: 'failed', code: 'finding', message: finding.message, event: eventIn(finding.event) });
}
