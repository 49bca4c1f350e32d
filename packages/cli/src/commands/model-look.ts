import type { Command } from 'commander';
import type { Drift, EventPlace } from 'daybook/read-model';

import { Failure, usage } from '../failure.ts';
import { parseCount } from '../input/parse-options.ts';
import { followed, withModel, type ModelOptions } from '../model/with-model.ts';
import { counted } from '../output/counted.ts';
import { jsonText } from '../output/json-text.ts';
import type { Begin } from '../program.ts';
import type { Shell } from '../shell.ts';

interface VerifyFlags extends ModelOptions {
  readonly sample?: string;
  readonly limit?: string;
}

/** `daybook model verify`: compares the tables with the log. */
export function registerModelVerify(model: Command, begin: Begin): void {
  model
    .command('verify')
    .description('Folds the log again and compares every row, while the read model runs. Ends with 8 when rows differ.')
    .argument('<model>')
    .option('--config <module>', 'the module that names it')
    .option('--sample <percent>', 'compare only a part of the rows: 1, or 0.1')
    .option('--limit <rows>', 'list so many rows that differ (default: 1000)')
    .action(async (name: string, { config, sample, limit }: VerifyFlags, command: Command) => {
      const shell = begin(command);
      const share = sample === undefined ? 1 : parseShare(sample);
      const differencesAtMost = limit === undefined ? 1_000 : parseCount(limit, '--limit');
      const { verifyReadModel } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
      await withModel(shell, { name, ...(config !== undefined && { config }) }, async ({ store, model: found, db }) => {
        const job = verifyReadModel(store, found, { db, share, differencesAtMost, signal: shell.signal });
        const report = await followed(shell, job);
        await printDrift(shell, report.drift);
        const { rows, differing, position } = report;
        shell.say(`${counted(rows, 'row')} compared up to position ${position}: ${counted(differing, 'row')} differ.`);
        if (differing > 0) {
          throw new Failure(
            'drift-found',
            8,
            `${name} differs in ${counted(differing, 'row')}. Repair it: daybook model repair ${name}.`,
          );
        }
      });
    });
}

/** `daybook model locate`: which event the tables saw last. */
export function registerModelLocate(model: Command, begin: Begin): void {
  model
    .command('locate')
    .description('Says which event the tables saw last: by their rows, whatever a checkpoint says.')
    .argument('<model>')
    .option('--config <module>', 'the module that names it')
    .action(async (name: string, { config }: ModelOptions, command: Command) => {
      const shell = begin(command);
      const { locateReadModel } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
      await withModel(shell, { name, ...(config !== undefined && { config }) }, async ({ store, model: found, db }) => {
        const report = await followed(shell, locateReadModel(store, found, { db, signal: shell.signal }));
        const { position, event, basis, checkpoint, holes } = report;
        await shell.printOne({
          model: name,
          position,
          event: placeText(event),
          basis,
          checkpoint,
          holes: holes.length,
        });
        if (holes.length > 0) {
          throw new Failure(
            'holes-found',
            8,
            `${counted(holes.length, 'row')} lack events that others have. Repair: daybook model repair ${name}.`,
          );
        }
      });
    });
}

interface BlameFlags extends ModelOptions {
  readonly table: string;
  readonly column: string;
}

/** `daybook model blame`: which event set a value. */
export function registerModelBlame(model: Command, begin: Begin): void {
  model
    .command('blame')
    .description('Says which event gave a column of a row the value that it should have.')
    .argument('<model>')
    .argument('<key...>', 'the columns of the key: order_id=123456789')
    .requiredOption('--table <table>', 'the table')
    .requiredOption('--column <column>', 'the column')
    .option('--config <module>', 'the module that names it')
    .action(async (name: string, key: readonly string[], flags: BlameFlags, command: Command) => {
      const shell = begin(command);
      const { table, column, config } = flags;
      const { blame } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
      await withModel(shell, { name, ...(config !== undefined && { config }) }, async ({ store, model: found, db }) => {
        const job = blame(store, found, { db, table, column, key: parseKey(key), signal: shell.signal });
        const { event, before, after, history } = await followed(shell, job);
        if (event === undefined) throw new Failure('not-found', 3, `No event has made that row of ${table}.`);
        await shell.printOne({
          event: placeText(event),
          id: event.id,
          created: event.created.toISOString(),
          before,
          after,
          events: history.length,
        });
      });
    });
}

/** Prints rows that differ: which, how, and since which event. */
export async function printDrift(shell: Shell, drift: readonly Drift[]): Promise<void> {
  await shell.print({
    rows: pagesOf(drift),
    columns: [
      { title: 'TABLE', text: ({ table }) => table },
      { title: 'KEY', text: ({ key }) => Object.values(key).map(String).join(' ') },
      { title: 'CLASS', text: (each) => each.class },
      { title: 'COLUMNS', text: ({ columns }) => columns.map(({ column }) => column).join(' ') },
      { title: 'SINCE', text: ({ since }) => placeText(since) ?? '-' },
    ],
    json: (each) => jsonText(each),
  });
}

/** A place as people read it: the event's type, and its revision and stream. */
function placeText(event: EventPlace | undefined): string | undefined {
  return event === undefined ? undefined : `${event.type} ${event.revision}@${event.stream}`;
}

async function* pagesOf<Row>(rows: readonly Row[]): AsyncGenerator<readonly Row[], void, undefined> {
  if (rows.length > 0) yield rows;
}

function parseShare(text: string): number {
  const percent = Number(text.replace(/%$/, ''));
  if (percent > 0 && percent <= 100) return percent / 100;
  throw usage(`--sample ${text} is no part: give a percentage from above 0 to 100.`);
}

function parseKey(pairs: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, column, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
      if (column === undefined) throw usage(`${pair} is no column of a key: give order_id=123456789.`);
      return [column, value];
    }),
  );
}
