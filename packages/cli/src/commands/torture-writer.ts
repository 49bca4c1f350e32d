import type { Command } from 'commander';

import type { Begin } from '../program.ts';
import { writeUntilKilled } from '../torture/torture-writer.ts';

/** `daybook torture-writer`: a process that `daybook torture` starts, and kills. */
export function registerTortureWriter(program: Command, begin: Begin): void {
  program
    .command('torture-writer', { hidden: true })
    .argument('<path>')
    .action(async (path: string, _options: unknown, command: Command) => {
      await writeUntilKilled(path, begin(command).terminal);
    });
}
