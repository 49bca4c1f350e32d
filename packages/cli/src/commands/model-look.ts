import type { Command } from 'commander';

import { Failure, usage } from '../failure.ts';
import { followed, withModel, type ModelOptions } from '../model/with-model.ts';
import { counted } from '../output/counted.ts';
import type { Begin } from '../program.ts';
import { placeText } from './print-drift.ts';

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

function parseKey(pairs: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, column, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
      if (column === undefined) throw usage(`${pair} is no column of a key: give order_id=123456789.`);
      return [column, value];
    }),
  );
}
