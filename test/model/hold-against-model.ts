import * as fc from 'fast-check';

import type { AdapterUnderTest } from './adapters.ts';
import { commandSequences } from './arbitraries.ts';
import { Drain, leaveAll } from './follow-commands.ts';
import { ModelLog } from './model-log.ts';
import { newNames, type World } from './world.ts';

/** How long one sequence is at most. */
const maxCommands = 60;

/** A property that holds when the adapter does what the model does, whatever is done to both. */
export function behavesAsTheModel(
  adapter: AdapterUnderTest,
): fc.IAsyncPropertyWithHooks<[Iterable<fc.AsyncCommand<ModelLog, World>>]> {
  return fc.asyncProperty(commandSequences(maxCommands), async (commands) => {
    const model = new ModelLog();
    const clock = { nowMs: model.nowMs };
    await using log = await adapter.open(clock);
    const world: World = { log, clock, names: newNames(), followers: [], store: log.store };
    try {
      await fc.asyncModelRun(() => ({ model, real: world }), commands);
      await new Drain().run(model, world);
    } finally {
      await leaveAll(world);
    }
  });
}
