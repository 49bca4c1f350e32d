import type { Command } from 'commander';
import { streamName } from 'daybook';

import { Failure } from '../failure.ts';
import { parseExpected } from '../input/parse-options.ts';
import type { Begin } from '../program.ts';

interface Options {
  readonly expected: string;
  readonly yes?: true;
}

const expectedText = 'any, no-stream, stream-exists, or the last revision of the stream';

/** `daybook stream delete` and `daybook stream tombstone`: hiding a stream, for now or for good. */
export function registerStreamDelete(stream: Command, begin: Begin): void {
  stream
    .command('delete')
    .description('Hides a stream. An append brings its name back, with the revisions that follow.')
    .argument('<stream>')
    .option('-e, --expected <revision>', expectedText, 'stream-exists')
    .action(async (text: string, options: Options, command: Command) => {
      const shell = begin(command);
      const name = streamName(text);
      const expected = parseExpected(options.expected);
      await using store = await shell.open('existing');
      const { position } = await store.deleteStream(name, { expected });
      await shell.printOne({ stream: name, outcome: 'deleted', position });
    });
  stream
    .command('tombstone')
    .description('Closes the name of a stream for good: it gives no events and takes none any more.')
    .argument('<stream>')
    .option('-e, --expected <revision>', expectedText, 'stream-exists')
    .option('--yes', 'yes, for good')
    .action(async (text: string, options: Options, command: Command) => {
      const shell = begin(command);
      const name = streamName(text);
      const expected = parseExpected(options.expected);
      if (options.yes !== true) {
        throw new Failure(
          'refused',
          10,
          `This closes ${name} for good. Say --yes, or hide it with daybook stream delete.`,
        );
      }
      await using store = await shell.open('existing');
      const { position } = await store.tombstoneStream(name, { expected });
      await shell.printOne({ stream: name, outcome: 'tombstoned', position });
    });
}
