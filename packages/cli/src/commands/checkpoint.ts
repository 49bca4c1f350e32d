import type { Command } from 'commander';
import {
  checkpointHistory,
  checkpointStreamOf,
  NoCheckpoint,
  readCheckpoint,
  undoCheckpoint,
  type StoredCheckpoint,
} from 'daybook/consumer';

import { changing, isConfirmed, reasonOf, type ChangeOptions } from '../consumers/changes.ts';
import { placesToSet, sourcesOf } from '../consumers/find-consumer.ts';
import { parseCount } from '../input/parse-options.ts';
import { jsonText } from '../output/json-text.ts';
import type { Column } from '../output/print-rows.ts';
import type { Begin } from '../program.ts';
import { rewind } from './consumers-control.ts';

interface SourceOptions extends ChangeOptions {
  readonly source?: string;
}

const columns: readonly Column<StoredCheckpoint>[] = [
  { title: 'POS', align: 'right', text: ({ pos }) => String(pos) },
  { title: 'WRITTEN', text: ({ created }) => created.toISOString() },
  { title: 'SOURCE', text: ({ source }) => source ?? '' },
  { title: 'BY', text: ({ who, host }) => who ?? host ?? '' },
  { title: 'WHY', text: ({ why }) => why ?? '' },
  { title: 'EVENT', isDetail: true, text: ({ eventId }) => eventId ?? '' },
];

/** `daybook checkpoint …`: where consumers are, and putting that right. */
export function registerCheckpoint(program: Command, begin: Begin): void {
  const checkpoint = program
    .command('checkpoint')
    .summary('read and set checkpoints')
    .description('Reads the checkpoints of consumers, sets them, and takes that back. Who and why are kept.');
  checkpoint
    .command('get')
    .description('Says which event a consumer has handled last, in each of its sources.')
    .argument('<consumer>')
    .option('--source <stream>', 'only in this source')
    .action(async (name: string, { source }: SourceOptions, command: Command) => {
      const shell = begin(command);
      await using store = await shell.open('existing');
      for (const stream of await sourcesOf(store, name, source)) {
        const found = await readCheckpoint(store, { source: stream, consumer: name });
        if (found === undefined) throw new NoCheckpoint(checkpointStreamOf(stream, name));
        const { created, ...others } = found;
        await shell.printOne({ ...others, source: stream, written: created.toISOString() });
      }
    });
  checkpoint
    .command('history')
    .description('Lists the checkpoints of a consumer, the last one first.')
    .argument('<consumer>')
    .option('--source <stream>', 'only in this source')
    .option('-n, --limit <count>', 'at most this many', '20')
    .action(async (name: string, { source, limit }: SourceOptions & { limit: string }, command: Command) => {
      const shell = begin(command);
      const most = parseCount(limit, '--limit');
      await using store = await shell.open('existing');
      const sources = await sourcesOf(store, name, source);
      async function* rows(): AsyncGenerator<readonly StoredCheckpoint[]> {
        for (const stream of sources) {
          let left = most;
          for await (const each of checkpointHistory(store, { source: stream, consumer: name })) {
            yield [each];
            left -= 1;
            if (left === 0) break;
          }
        }
      }
      await shell.print({ rows: rows(), columns, json: jsonText });
    });
  changing(checkpoint.command('set'))
    .description('Sets the checkpoint of a consumer: it goes on after that event, at once when it runs.')
    .argument('<consumer>')
    .requiredOption('--to <place>', 'start, end, the last number that counts as handled, or a time')
    .option('--source <stream>', 'only in this source')
    .action(async (name: string, options: SourceOptions & { to: string }, command: Command) => {
      await rewind(begin(command), name, options);
    });
  changing(checkpoint.command('undo'))
    .description('Goes back to where a consumer was before a person has set its checkpoint.')
    .argument('<consumer>')
    .option('--source <stream>', 'only in this source')
    .action(async (name: string, options: SourceOptions, command: Command) => {
      const shell = begin(command);
      const reason = reasonOf({ why: 'undone', ...options });
      await using store = await shell.open('existing');
      for (const place of await placesToSet(store, name, { source: options.source, to: 'end' })) {
        if (!(await isConfirmed(shell, options, { consumer: name, source: place.source, asked: 'undo' }))) continue;
        const { from, to, events } = await undoCheckpoint(store, place, reason);
        await shell.printOne({ consumer: name, source: place.source, from, to, eventsAgain: events, ...reason });
      }
    });
}
