import type { Command } from 'commander';
import { streamName, truncateStream } from 'daybook';

import { notFound } from '../failure.ts';
import { parseRevision } from '../input/parse-options.ts';
import type { Begin } from '../program.ts';

/** `daybook stream truncate`: hiding the beginning of a stream. */
export function registerStreamTruncate(stream: Command, begin: Begin): void {
  stream
    .command('truncate')
    .description('Hides the events of a stream before a revision, at once. daybook scavenge frees their space.')
    .argument('<stream>')
    .requiredOption('--before <revision>', 'the first revision that stays')
    .action(async (text: string, { before }: { before: string }, command: Command) => {
      const shell = begin(command);
      const name = streamName(text);
      const revision = parseRevision(before, '--before');
      await using store = await shell.open('existing');
      const { status } = await store.streamState(name);
      if (status === 'no-stream') throw notFound(`There is no stream ${name}. See daybook streams.`);
      const { position } = await truncateStream(store, name, revision);
      await shell.printOne({ stream: name, truncateBefore: revision, position });
    });
}
