import type { Command } from 'commander';

import { play } from '../gameday/child/play.ts';
import type { Plan, Rehearsal } from '../gameday/plan.ts';

/** `daybook gameday-process`: a process that `daybook gameday` starts, and kills. */
export function registerGamedayProcess(program: Command): void {
  program
    .command('gameday-process', { hidden: true })
    .argument('<plan>')
    .action(async (plan: string) => {
      await play(JSON.parse(plan) as Plan | Rehearsal); // Written by `gameday`.
    });
}
