import type { Command } from 'commander';
import type { Paged, StreamSummary } from 'daybook';

import { parseCount } from '../input/parse-options.ts';
import { counted } from '../output/counted.ts';
import { jsonText } from '../output/json-text.ts';
import type { Column } from '../output/print-rows.ts';
import type { Begin } from '../program.ts';

interface Options {
  readonly category?: string;
  readonly system?: true;
  readonly limit?: string;
}

const columns: readonly Column<StreamSummary>[] = [
  { title: 'EVENTS', align: 'right', text: ({ events }) => String(events) },
  { title: 'LAST', align: 'right', text: ({ revision }) => String(revision) },
  { title: 'POSITION', align: 'right', text: ({ position }) => String(position) },
  { title: 'STREAM', text: ({ stream }) => stream },
];

/** `daybook streams`: the names of the streams, with how many events they have. */
export function registerStreams(program: Command, begin: Begin): void {
  program
    .command('streams')
    .summary('list streams')
    .description('Lists the streams: events, last revision, position of the last event, name.')
    .argument('[prefix]', 'only names that begin with this')
    .option('-c, --category <category>', 'only streams of a category')
    .option('--system', 'streams of the system too: names that begin with $')
    .option('-n, --limit <count>', 'at most this many')
    .action(async (prefix: string | undefined, { category, system, limit }: Options, command: Command) => {
      const shell = begin(command);
      const most = limit === undefined ? Infinity : parseCount(limit, '--limit', 0);
      await using store = await shell.open('existing');
      const listed = store.listStreams({
        prefix,
        category,
        system: system === true ? 'include' : 'exclude',
        signal: shell.signal,
      });
      const count = await shell.print({ rows: upTo(listed, most), columns, json: jsonText });
      if (shell.format === 'table') shell.say(counted(count, 'stream'));
    });
}

async function* upTo<Item>(listed: Paged<Item>, most: number): AsyncGenerator<readonly Item[], void, undefined> {
  let left = most;
  if (left === 0) return;
  for await (const page of listed.pages()) {
    yield page.slice(0, left);
    left -= page.length;
    if (left <= 0) return;
  }
}
