import type { Command } from 'commander';

import type { Plan, Rehearsal } from '../gameday/plan.ts';

/** `daybook gameday-process`: a process that `daybook gameday` starts, and kills. */
export function registerGamedayProcess(program: Command): void {
  program
    .command('gameday-process', { hidden: true })
    .argument('<plan>')
    .action(async (plan: string) => {
      const { play } = await import('../gameday/child/play.ts'); // Loaded when it is needed: it brings Kysely.
      await play(JSON.parse(plan) as Plan | Rehearsal); // Written by `gameday`.
    });
}
