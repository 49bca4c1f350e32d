import { Option, type Command } from 'commander';

import { Failure, usage } from '../failure.ts';
import { parseCount, parseDuration } from '../input/parse-options.ts';
import { PhaseProgress } from '../model/phase-progress.ts';
import { sayRound } from '../model/say-round.ts';
import { followed, withModel, type ModelOptions, type OpenModel } from '../model/with-model.ts';
import { counted } from '../output/counted.ts';
import type { Begin } from '../program.ts';
import type { Shell } from '../shell.ts';
import { printDrift } from './print-drift.ts';

interface VerifyFlags extends ModelOptions {
  readonly sample?: string;
  readonly limit?: string;
  readonly continuous?: true;
  readonly every: string;
  readonly share: string;
}

/** `daybook model verify`: compares the tables with the log, once or for as long as nobody ends it. */
export function registerModelVerify(model: Command, begin: Begin): void {
  model
    .command('verify')
    .description('Folds the log again and compares every row, while the read model runs. Ends with 8 when rows differ.')
    .argument('<model>')
    .option('--config <module>', 'the module that names it')
    .option('--sample <percent>', 'compare only a part of the rows: 1, or 0.1; each time the next part')
    .option('--limit <rows>', 'list so many rows that differ (default: 1000)')
    .addOption(
      new Option('--continuous', 'go on: compare what events touch, and a share of all rows, in each round').conflicts([
        'sample',
        'limit',
      ]),
    )
    .option('--every <duration>', 'with --continuous: a round begins so often', '60s')
    .option('--share <percent>', 'with --continuous: the part of all rows that a round compares', '0.1%')
    .action(async (name: string, flags: VerifyFlags, command: Command) => {
      const shell = begin(command);
      const { config, continuous } = flags;
      const verify = continuous === true ? verifyOn : verifyOnce;
      const use = (open: OpenModel): Promise<void> => verify(shell, open, flags);
      await withModel(shell, { name, ...(config !== undefined && { config }) }, use);
    });
}

async function verifyOnce(
  shell: Shell,
  { store, model, db }: OpenModel,
  { sample, limit }: VerifyFlags,
): Promise<void> {
  const share = sample === undefined ? 1 : parseShare(sample, '--sample');
  const differencesAtMost = limit === undefined ? 1_000 : parseCount(limit, '--limit');
  const { verifyReadModel } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
  const job = verifyReadModel(store, model, { db, share, differencesAtMost, signal: shell.signal });
  const { drift, rows, differing, position } = await followed(shell, job);
  await printDrift(shell, drift);
  shell.say(`${counted(rows, 'row')} compared up to position ${position}: ${counted(differing, 'row')} differ.`);
  if (share < 1) shell.say(`The next run compares the next part: after ${Math.ceil(1 / share)} runs, all rows.`);
  if (differing > 0) throw driftFound(model.name, differing);
}

async function verifyOn(shell: Shell, { store, model, db }: OpenModel, { every, share }: VerifyFlags): Promise<void> {
  const options = { db, everyMs: parseDuration(every, '--every'), share: parseShare(share, '--share') };
  const { verifyContinuously } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
  shell.say(`Verifying ${model.name} every ${every}; Ctrl-C ends it.`);
  using progress = new PhaseProgress(shell);
  let differing = 0;
  let known: ReadonlySet<string> = new Set();
  for await (const step of verifyContinuously(store, model, { ...options, signal: shell.signal })) {
    if (step.phase !== 'round') {
      progress.show(step);
      continue;
    }
    progress.clear();
    known = await sayRound(shell, step, known);
    differing = step.differing;
  }
  if (differing > 0) throw driftFound(model.name, differing);
}

function driftFound(name: string, differing: number): Failure {
  const rows = counted(differing, 'row');
  return new Failure('drift-found', 8, `${name} differs in ${rows}. Repair it: daybook model repair ${name}.`);
}

function parseShare(text: string, option: string): number {
  const percent = Number(text.replace(/%$/, ''));
  if (percent > 0 && percent <= 100) return percent / 100;
  throw usage(`${option} ${text} is no part: give a percentage from above 0 to 100.`);
}
