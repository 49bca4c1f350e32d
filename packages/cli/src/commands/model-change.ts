import type { Command } from 'commander';

import { Failure } from '../failure.ts';
import { change, changing } from '../model/change.ts';
import { followed, reasonOf, type ChangeOptions } from '../model/with-model.ts';
import { counted } from '../output/counted.ts';
import type { Begin } from '../program.ts';

/** `daybook model rebuild`: builds the tables anew beside the old ones, and switches. */
export function registerModelRebuild(model: Command, begin: Begin): void {
  const rebuild = model
    .command('rebuild')
    .description('Builds the tables anew beside the old ones, proves them, and switches in one step. Ctrl-C is safe.');
  changing(rebuild).action(async (name: string, options: ChangeOptions, command: Command) => {
    const shell = begin(command);
    const what = `build the tables of ${name} anew and put them in place of the old ones`;
    await change(shell, {
      name,
      what,
      options,
      act: async ({ store, model: found, db }) => {
        const { rebuildReadModel } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
        const job = rebuildReadModel(store, found, { db, reason: reasonOf(options), signal: shell.signal });
        const { position, events, diff, tookMs } = await followed(shell, job);
        await shell.printOne({ model: name, position, events, diff, tookMs: Math.round(tookMs) });
      },
    });
  });
}

/** `daybook model switch-back`: puts the tables that the last rebuild replaced back in their place. */
export function registerModelSwitchBack(model: Command, begin: Begin): void {
  const back = model
    .command('switch-back')
    .description(
      'Puts the tables that the last rebuild replaced back in their place, in one step. They catch up by themselves.',
    );
  changing(back).action(async (name: string, options: ChangeOptions, command: Command) => {
    const shell = begin(command);
    await change(shell, {
      name,
      what: `put the tables that ${name} had before its last rebuild back in their place`,
      options,
      act: async ({ store, model: found, db }) => {
        const { switchBack } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
        await shell.printOne({ ...(await switchBack(store, found, { db, reason: reasonOf(options) })) });
      },
      rehearse: async ({ model: found, db }) => {
        const { findPrevious } = await import('daybook/read-model');
        const { position, code } = await findPrevious(found, { db });
        const other = code === found.code ? '' : ' Other code than that of the config module has made them.';
        shell.say(`They are at position ${position ?? 'none'}.${other}`);
      },
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
    await change(shell, {
      name,
      what: `take over the tables of ${name}`,
      options,
      act: async ({ store, model: found, db }) => {
        const { adoptReadModel } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
        const job = adoptReadModel(store, found, { db, reason: reasonOf(options), signal: shell.signal });
        const { from, basis, events, verified } = await followed(shell, job);
        const { position: to, differing } = verified;
        await shell.printOne({ model: name, from, basis, events, to, differing });
        if (differing === 0) return;
        const text = `${name} differs in ${counted(differing, 'row')}. Repair it: daybook model repair ${name}.`;
        throw new Failure('drift-found', 8, text);
      },
    });
  });
}
