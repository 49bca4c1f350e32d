import type { Command } from 'commander';

import { printDrift } from '../commands/print-drift.ts';
import { counted } from '../output/counted.ts';
import type { Shell } from '../shell.ts';
import { followed, reasonOf, refuseWithoutYes, withModel, type ChangeOptions, type OpenModel } from './with-model.ts';

/** A change that a command makes: what it is in words, and how it is done. */
interface Change {
  readonly name: string;
  /** Goes on the sentence "This would …". */
  readonly what: string;
  readonly options: ChangeOptions;
  readonly act: (open: OpenModel) => Promise<void>;
  /** What `--dry-run` does instead. Default: says how far the tables are behind, and which rows differ. */
  readonly rehearse?: (open: OpenModel) => Promise<void>;
}

/** Gives a command the options of those that change something. */
export function changing(command: Command): Command {
  return command
    .argument('<model>')
    .option('--config <module>', 'the module that names it')
    .option('--who <name>', 'who does it, for the log (default: your user name)')
    .option('--why <text>', 'why, for the log')
    .option('--dry-run', 'only say what would be done')
    .option('--yes', 'do it');
}

/** Makes a change when it was confirmed, and with `--dry-run` says what it would be. */
export async function change(shell: Shell, { name, what, options, act, rehearse }: Change): Promise<void> {
  refuseWithoutYes(options, what);
  if (options.dryRun !== true) reasonOf(options);
  const { config } = options;
  await withModel(shell, { name, ...(config !== undefined && { config }) }, async (open) => {
    if (options.dryRun !== true) return act(open);
    await (rehearse ?? ((each) => look(shell, each)))(open);
    shell.say(`Nothing was changed. --yes would ${what}.`);
  });
}

async function look(shell: Shell, { store, model, db }: OpenModel): Promise<void> {
  const { lookAtReadModel, verifyReadModel } = await import('daybook/read-model');
  const { position, lagEvents } = await lookAtReadModel(store, model, { db });
  shell.say(`${model.name} is at position ${position ?? 'none'}, ${counted(lagEvents, 'event')} behind.`);
  if (position === undefined) return;
  const report = await followed(shell, verifyReadModel(store, model, { db, signal: shell.signal }));
  await printDrift(shell, report.drift);
  shell.say(`${counted(report.differing, 'row')} differ there.`);
}
