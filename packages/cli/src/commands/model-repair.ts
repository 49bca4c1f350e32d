import { writeFile } from 'node:fs/promises';

import type { Command } from 'commander';
import type { RepairReport, RepairWay, StandingPause } from 'daybook/read-model';

import { parseCount } from '../input/parse-options.ts';
import { change, changing } from '../model/change.ts';
import { incidentBegun, incidentReport } from '../model/incident-report.ts';
import { followed, reasonOf, type ChangeOptions, type OpenModel } from '../model/with-model.ts';
import { counted } from '../output/counted.ts';
import type { Begin } from '../program.ts';
import type { Shell } from '../shell.ts';
import { printDrift } from './print-drift.ts';

interface RepairFlags extends ChangeOptions {
  readonly inPlace?: string;
  readonly report?: string;
  readonly resume?: true;
}

/** `daybook model repair`: makes the tables what the log says, by the way that costs least. */
export function registerModelRepair(model: Command, begin: Begin): void {
  const repair = model
    .command('repair')
    .summary('make the tables what the log says')
    .description(
      'Makes the tables what the log says, by the way that costs least: projects what is missing, compares everything, and ' +
        'puts the rows that differ right; or builds the tables anew beside, when many differ or the code has changed. ' +
        'Who writes them is shut out meanwhile and goes on afterwards; a read model that is paused stays paused. Stopped ' +
        'anywhere, it can be given again. Kept in the log.',
    );
  changing(repair)
    .option('--in-place <rows>', 'put so many rows right one by one, and build anew when more differ (default: 10000)')
    .option('--report <file>', 'write what happened into a Markdown file')
    .option('--resume', 'end the pause of the read model when it is repaired')
    .action(async (name: string, options: RepairFlags, command: Command) => {
      const shell = begin(command);
      const { inPlace, report: _, ...others } = options;
      const atMost = inPlace === undefined ? {} : { inPlaceAtMost: parseCount(inPlace, '--in-place', 0) };
      await change(shell, {
        name,
        options: others,
        what: `make the tables of ${name} what the log says`,
        act: (open) => act(shell, open, { ...options, ...atMost }),
        rehearse: (open) => plan(shell, open, atMost),
      });
    });
}

interface InPlace {
  readonly inPlaceAtMost?: number;
}

const ways: Readonly<Record<RepairWay, string>> = {
  none: 'nothing to do',
  project: 'project what is missing',
  'in-place': 'put the rows that differ right, one by one',
  rebuild: 'build the tables anew beside, and put them in place of the old ones',
};

async function plan(shell: Shell, { store, model, db }: OpenModel, atMost: InPlace): Promise<void> {
  const { lookAtReadModel, planRepair } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
  const { position } = await lookAtReadModel(store, model, { db });
  if (position === undefined) {
    shell.say(
      `${model.name} has never run on this database. Run it, or build it: daybook model rebuild ${model.name}.`,
    );
    return;
  }
  const job = planRepair(store, model, { db, ...atMost, signal: shell.signal });
  const { way, lagEvents, rows, drift, isCodeChanged, fences, paused, estimatedMs } = await followed(shell, job);
  await printDrift(shell, drift);
  shell.say(`${model.name} is at position ${position}, ${counted(lagEvents, 'event')} behind.`);
  shell.say(`${counted(rows, 'row')} differ there.${isCodeChanged ? ' The tables were built by other code.' : ''}`);
  if (fences !== undefined) shell.say(`${fences} writes it. It would be shut out, and go on afterwards.`);
  sayPaused(shell, model.name, paused);
  shell.say(`The way: ${ways[way]}. That takes about ${Math.max(1, Math.ceil(estimatedMs / 1_000))} s.`);
}

async function act(shell: Shell, { store, model, db }: OpenModel, options: RepairFlags & InPlace): Promise<void> {
  const { lookAtReadModel, repairReadModel } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
  const { report: file, inPlaceAtMost } = options;
  const reason = reasonOf(options);
  const before = await lookAtReadModel(store, model, { db });
  // Now, so that a file that cannot be written is known before anything is changed.
  if (file !== undefined) await writeFile(file, incidentBegun(before, reason, new Date()));
  const atMost = inPlaceAtMost === undefined ? {} : { inPlaceAtMost };
  const job = repairReadModel(store, model, { db, reason, ...atMost, signal: shell.signal });
  const done = await followed(shell, job);
  if (file !== undefined) await writeFile(file, incidentReport(before, done, { ...reason, endedAt: new Date() }));
  await shell.printOne(factsOf(done));
  if (options.resume !== true || done.paused === undefined) return sayPaused(shell, model.name, done.paused);
  const { requestControl } = await import('daybook/consumer');
  await requestControl(store, model.name, { kind: 'resume', ...reason });
}

function factsOf(report: RepairReport): Readonly<Record<string, unknown>> {
  const { model, way, from, to, events, rows, fenced, paused, proof } = report;
  const took = { projectingMs: Math.round(report.projectingMs), tookMs: Math.round(report.tookMs) };
  return { model, way, from, to, events, rows, fenced, paused, proof, ...took };
}

function sayPaused(shell: Shell, name: string, paused: StandingPause | undefined): void {
  if (paused === undefined) return;
  const { who, why, until } = paused;
  shell.say(
    `${name} is paused by ${who} until ${until.toISOString()} (${why}), and stays so. End that with --resume, or: daybook consumers resume ${name}.`,
  );
}
