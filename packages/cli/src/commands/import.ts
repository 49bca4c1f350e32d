import type { Command } from 'commander';
import type { EventStore } from 'daybook';

import type { ImportCounts } from '../import/import-batch.ts';
import { importLines, type ImportOptions } from '../import/import-lines.ts';
import { readLines } from '../input/read-lines.ts';
import { storeKind } from '../open-store.ts';
import { grouped } from '../output/progress.ts';
import type { Begin } from '../program.ts';
import type { Shell } from '../shell.ts';

/** `daybook import`: appends the events of a file to the streams it names. */
export function registerImport(program: Command, begin: Begin): void {
  program
    .command('import')
    .summary('append the events of a file')
    .description(
      'Appends the events of a file, one as JSON a line, to the streams it names: stream, type, id, data, metadata, ' +
        'created. What is there already is not appended again, so an import that was stopped is simply run again.',
    )
    .argument('<file>', 'as daybook export writes it, or - for standard input')
    .action(async (path: string, _options: unknown, command: Command) => {
      const shell = begin(command);
      const isServer = storeKind(shell.location) === 'server';
      if (isServer) shell.say('A server gives events the time at which it takes them: "created" is left out.');
      await using store = await shell.open('create');
      const { appended, repeated, closed } = await imported(shell, store, { path, isServer });
      await shell.printOne({ appended, repeated, ...(closed > 0 && { closed }) });
    });
}

async function imported(shell: Shell, store: EventStore, options: ImportOptions): Promise<ImportCounts> {
  using progress = shell.progress('events');
  let last: ImportCounts = { appended: 0, repeated: 0, closed: 0 };
  const done = (): number => last.appended + last.repeated + last.closed;
  try {
    for await (const { share, ...counts } of importLines(store, readLines(options.path, shell.signal), options)) {
      last = counts;
      progress.update(done(), share);
    }
  } catch (error) {
    if (shell.signal.aborted) shell.say(`Stopped after ${grouped(done())} events. Run it again to go on.`);
    throw error;
  }
  return last;
}
