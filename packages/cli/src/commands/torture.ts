import type { Command } from 'commander';

import { scratchPath } from '../bench-store.ts';
import { Failure } from '../failure.ts';
import { parseCount } from '../input/parse-options.ts';
import { checkFile } from '../open-store.ts';
import { grouped } from '../output/progress.ts';
import type { Begin } from '../program.ts';
import { torture } from '../torture/run-torture.ts';

interface Options {
  readonly cycles: string;
  readonly writers: string;
}

/** `daybook torture`: kills writers and looks whether everything that was acknowledged is there. */
export function registerTorture(program: Command, begin: Begin): void {
  program
    .command('torture')
    .summary('kill writers, and look for what is lost')
    .description(
      'Appends to a new store beside the one that --store names, kills the writer without warning, opens the store again ' +
        'and compares: everything that was acknowledged must be there, whole. The store is deleted unless something is ' +
        'wrong. It tests this disk and this system against a killed process; pull the plug to test them against more.',
    )
    .option('-n, --cycles <count>', 'how often a writer is killed', '100')
    .option('--writers <count>', 'processes that append at the same time', '1')
    .action(async (options: Options, command: Command) => {
      const shell = begin(command);
      checkFile(shell.location, 'tortured');
      const cycles = parseCount(options.cycles, '--cycles');
      const writers = parseCount(options.writers, '--writers');
      const path = scratchPath(shell.location, 'torture');
      using progress = shell.progress('cycles');
      const result = await torture({ path, cycles, writers, signal: shell.signal }, (done) =>
        progress.update(done, done / cycles),
      );
      progress[Symbol.dispose]();
      const { problems, ...counts } = result;
      await shell.printOne({ ...counts, problems: problems.length });
      if (problems.length > 0) {
        throw new Failure('event-damaged', 9, `${problems.slice(0, 5).join(' ')} The store is kept: ${path}.`);
      }
      shell.say(`${grouped(counts.acknowledged)} acknowledged events, none lost.`);
    });
}
