import type { Command } from 'commander';

import { Failure } from '../failure.ts';
import {
  followed,
  reasonOf,
  refuseWithoutYes,
  withModel,
  type ChangeOptions,
  type OpenModel,
} from '../model/with-model.ts';
import { counted } from '../output/counted.ts';
import type { Begin } from '../program.ts';
import type { Shell } from '../shell.ts';
import { printDrift } from './print-drift.ts';

/** `daybook model repair`: makes the tables what the log says. */
export function registerModelRepair(model: Command, begin: Begin): void {
  const repair = model
    .command('repair')
    .description(
      'Projects what is missing, compares everything, and puts the rows that differ right. Kept in the log.',
    );
  changing(repair).action(async (name: string, options: ChangeOptions, command: Command) => {
    const shell = begin(command);
    const what = `put right what differs in the tables of ${name}`;
    await change(shell, { name, what, options }, async ({ store, model: found, db }) => {
      const { repairReadModel } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
      const job = repairReadModel(store, found, { db, reason: reasonOf(options), signal: shell.signal });
      const { from, to, events, projectingMs, rows, tookMs } = await followed(shell, job);
      const took = { projectingMs: Math.round(projectingMs), tookMs: Math.round(tookMs) };
      await shell.printOne({ model: name, from, to, events, rows, ...took });
    });
  });
}

/** `daybook model rebuild`: builds the tables anew beside the old ones, and switches. */
export function registerModelRebuild(model: Command, begin: Begin): void {
  const rebuild = model
    .command('rebuild')
    .description('Builds the tables anew beside the old ones, proves them, and switches in one step. Ctrl-C is safe.');
  changing(rebuild).action(async (name: string, options: ChangeOptions, command: Command) => {
    const shell = begin(command);
    const what = `build the tables of ${name} anew and put them in place of the old ones`;
    await change(shell, { name, what, options }, async ({ store, model: found, db }) => {
      const { rebuildReadModel } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
      const job = rebuildReadModel(store, found, { db, reason: reasonOf(options), signal: shell.signal });
      const { position, events, diff, tookMs } = await followed(shell, job);
      await shell.printOne({ model: name, position, events, diff, tookMs: Math.round(tookMs) });
    });
  });
}

/** `daybook model adopt`: takes over tables that came from a backup. */
export function registerModelAdopt(model: Command, begin: Begin): void {
  const adopt = model
    .command('adopt')
    .description('Takes over restored tables: finds their last event, projects what came after, compares everything.');
  changing(adopt).action(async (name: string, options: ChangeOptions, command: Command) => {
    const shell = begin(command);
    await change(shell, { name, what: `take over the tables of ${name}`, options }, async (open) => {
      const { adoptReadModel } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
      const job = adoptReadModel(open.store, open.model, {
        db: open.db,
        reason: reasonOf(options),
        signal: shell.signal,
      });
      const { from, basis, events, verified } = await followed(shell, job);
      await shell.printOne({ model: name, from, basis, events, to: verified.position, differing: verified.differing });
      if (verified.differing > 0) {
        throw new Failure(
          'drift-found',
          8,
          `${name} differs in ${counted(verified.differing, 'row')}. Repair it: daybook model repair ${name}.`,
        );
      }
    });
  });
}

function changing(command: Command): Command {
  return command
    .argument('<model>')
    .option('--config <module>', 'the module that names it')
    .option('--who <name>', 'who does it, for the log (default: your user name)')
    .option('--why <text>', 'why, for the log')
    .option('--dry-run', 'only say what would be done')
    .option('--yes', 'do it');
}

async function change(
  shell: Shell,
  { name, what, options }: { readonly name: string; readonly what: string; readonly options: ChangeOptions },
  act: (open: OpenModel) => Promise<void>,
): Promise<void> {
  refuseWithoutYes(options, what);
  if (options.dryRun !== true) reasonOf(options);
  const { config } = options;
  await withModel(shell, { name, ...(config !== undefined && { config }) }, async (open) => {
    if (options.dryRun !== true) return act(open);
    return rehearse(shell, open, what);
  });
}

/** Says how far the tables are behind and which rows differ: what any of the changes begins with. */
async function rehearse(shell: Shell, { store, model, db }: OpenModel, what: string): Promise<void> {
  const { lookAtReadModel, verifyReadModel } = await import('daybook/read-model');
  const look = await lookAtReadModel(store, model, { db });
  shell.say(`${model.name} is at position ${look.position ?? 'none'}, ${counted(look.lagEvents, 'event')} behind.`);
  if (look.position !== undefined) {
    const report = await followed(shell, verifyReadModel(store, model, { db, signal: shell.signal }));
    await printDrift(shell, report.drift);
    shell.say(`${counted(report.differing, 'row')} differ there.`);
  }
  shell.say(`Nothing was changed. --yes would ${what}.`);
}
