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
  readonly powerCuts: string;
}

/** `daybook torture`: kills writers, cuts power, and looks whether everything that was acknowledged is there. */
export function registerTorture(program: Command, begin: Begin): void {
  program
    .command('torture')
    .summary('kill writers, cut power, and look for what is lost')
    .description(
      'Appends to a new store beside the one that --store names, kills the writer without warning, opens the store again ' +
        'and compares: everything that was acknowledged must be there, whole. After each kill it also tries power cuts, on ' +
        'copies: what was written to the write-ahead file since the disk last answered a sync is cut off at any byte, torn ' +
        'into sectors, or overwritten; the shared memory is gone; the index is whole, cut off or gone; the note of where ' +
        'the log ends is there or gone. The store is deleted unless something is wrong. What it cannot try: a disk that ' +
        'says it has synced and has not, a file system that loses more than was not synced, and what SQLite was moving ' +
        'into the main file. Pull the plug to test these.',
    )
    .option('-n, --cycles <count>', 'how often a writer is killed', '100')
    .option('--writers <count>', 'processes that append at the same time', '1')
    .option('--power-cuts <count>', 'power cuts that are tried after each kill', '2')
    .action(async (options: Options, command: Command) => {
      const shell = begin(command);
      checkFile(shell.location, 'tortured');
      const cycles = parseCount(options.cycles, '--cycles');
      const writers = parseCount(options.writers, '--writers');
      const powerCuts = parseCount(options.powerCuts, '--power-cuts', 0);
      const path = scratchPath(shell.location, 'torture');
      using progress = shell.progress('cycles');
      const result = await torture({ path, cycles, writers, powerCuts, signal: shell.signal }, (done) =>
        progress.update(done, done / cycles),
      );
      progress[Symbol.dispose]();
      const { problems, ...counts } = result;
      await shell.printOne({ ...counts, problems: problems.length });
      if (problems.length > 0) {
        throw new Failure(
          'event-damaged',
          9,
          `${problems.slice(0, 5).join(' ')} The files are kept: ${path}, and those whose names begin so.`,
        );
      }
      shell.say(`${grouped(counts.acknowledged)} acknowledged events, none lost.`);
    });
}
