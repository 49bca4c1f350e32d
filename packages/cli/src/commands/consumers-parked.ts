import type { Command } from 'commander';
import { readParked, type ParkedEvent } from 'daybook/consumer';

import { counted } from '../output/counted.ts';
import { jsonText } from '../output/json-text.ts';
import type { Column } from '../output/print-rows.ts';
import type { Begin } from '../program.ts';

const columns: readonly Column<ParkedEvent>[] = [
  { title: 'EVENT', text: ({ revision, stream }) => `${revision}@${stream}` },
  { title: 'TYPE', text: ({ type }) => type },
  { title: 'SINCE', text: ({ since }) => since.toISOString() },
  { title: 'TRIES', align: 'right', text: ({ attempts }) => (attempts === undefined ? '' : String(attempts)) },
  { title: 'ERROR', text: ({ error }) => error ?? 'waits behind another one' },
  { title: 'ID', isDetail: true, text: ({ id }) => id },
];

/** `daybook consumers parked`: what a consumer has set aside. */
export function registerConsumersParked(consumers: Command, begin: Begin): void {
  consumers
    .command('parked')
    .description('Lists the events that a consumer has set aside, in the order in which they would be tried again.')
    .argument('<consumer>')
    .option('--stream <stream>', 'only of this stream')
    .action(async (name: string, { stream }: { stream?: string }, command: Command) => {
      const shell = begin(command);
      await using store = await shell.open('existing');
      const streams = await readParked(store, name);
      const events = [...streams.values()].flat().filter((event) => stream === undefined || event.stream === stream);
      const rows = (async function* page() {
        if (events.length > 0) yield events;
      })();
      const count = await shell.print({ rows, columns, json: jsonText });
      if (shell.format === 'table') shell.say(`${counted(count, 'event')} of ${counted(streams.size, 'stream')}`);
    });
}
