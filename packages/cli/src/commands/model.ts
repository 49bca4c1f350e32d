import type { Command } from 'commander';
import type { ReadModelLook } from 'daybook/read-model';

import { defaultConfig, loadReadModels } from '../config/load-config.ts';
import { withDatabase, type ModelOptions } from '../model/with-model.ts';
import { jsonText } from '../output/json-text.ts';
import { grouped } from '../output/progress.ts';
import type { Begin } from '../program.ts';
import { registerModelAdopt, registerModelRebuild, registerModelSwitchBack } from './model-change.ts';
import { registerModelBlame, registerModelLocate } from './model-look.ts';
import { registerModelRepair } from './model-repair.ts';
import { registerModelVerify } from './model-verify.ts';

/** `daybook model …`: the read models that a config module names. */
export function registerModel(program: Command, begin: Begin): void {
  const model = program
    .command('model')
    .summary('verify, repair and rebuild read models')
    .description(`Looks after the read models that a module names, ${defaultConfig} unless --config says another one.`);
  registerLs(model, begin);
  registerModelVerify(model, begin);
  registerModelLocate(model, begin);
  registerModelBlame(model, begin);
  registerModelRepair(model, begin);
  registerModelRebuild(model, begin);
  registerModelSwitchBack(model, begin);
  registerModelAdopt(model, begin);
}

function registerLs(model: Command, begin: Begin): void {
  model
    .command('ls')
    .description(
      'Lists the read models: which event each saw last, how far it is behind, and when it was verified, and how many rows are.',
    )
    .option('--config <module>', 'the module that names them')
    .action(async ({ config = defaultConfig }: ModelOptions, command: Command) => {
      const shell = begin(command);
      const { lookAtReadModel } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
      await using store = await shell.open('existing');
      const looks: ReadModelLook[] = [];
      for (const each of await loadReadModels(config)) {
        await withDatabase(each, async (db) => void looks.push(await lookAtReadModel(store, each.model, { db })));
      }
      await shell.print({
        rows: pagesOf(looks),
        columns: [
          { title: 'MODEL', text: (look) => look.model },
          { title: 'STATE', text: stateOf },
          { title: 'POSITION', align: 'right', text: ({ position }) => String(position ?? '-') },
          { title: 'LAG', align: 'right', text: ({ lagEvents }) => grouped(lagEvents) },
          { title: 'VERIFIED', text: ({ verifiedAt }) => verifiedAt?.toISOString() ?? 'never' },
          { title: 'HARMONY', align: 'right', text: harmonyText },
        ],
        json: (look) => jsonText(factsOf(look)),
      });
    });
}

async function* pagesOf<Row>(rows: readonly Row[]): AsyncGenerator<readonly Row[], void, undefined> {
  if (rows.length > 0) yield rows;
}

/** What a read model is doing, in a word. */
export function stateOf({ position, logRestored, needsRebuild, status, harmony }: ReadModelLook): string {
  if (logRestored !== undefined) return 'log-restored';
  if (position === undefined && status === undefined) return 'never-started';
  if (needsRebuild) return 'needs-rebuild';
  if (harmony !== undefined && harmony.differing > 0) return 'drifted';
  return status?.state ?? 'unknown';
}

/** How many rows are as they should be, of all, as whoever compares them continuously has found. */
function harmonyText({ harmony }: ReadModelLook): string {
  return harmony === undefined ? '-' : `${grouped(harmony.verifiedRows)}/${grouped(harmony.rows)}`;
}

/** What JSON says about a read model. */
export function factsOf(look: ReadModelLook): Readonly<Record<string, unknown>> {
  const { status, logRestored, harmony, ...facts } = look;
  return {
    ...facts,
    harmony: harmony && { ...harmony, next: undefined },
    state: stateOf(look),
    error: status?.error,
    agreesUpTo: logRestored?.agreesUpTo,
    seenEvents: logRestored?.seenEvents,
    ghosts: logRestored?.ghosts.map(({ position, id }) => ({ position, id })),
  };
}
