import { userInfo } from 'node:os';

import type { EventStore } from 'daybook';
import type { Job, ReadModel } from 'daybook/read-model';

import type { ConfiguredModel, ModelDatabase } from '../config/config.ts';
import { defaultConfig, loadReadModels } from '../config/load-config.ts';
import { Failure, notFound, usage } from '../failure.ts';
import type { Shell } from '../shell.ts';
import { PhaseProgress } from './phase-progress.ts';

/** The options that every command about read models takes. */
export interface ModelOptions {
  readonly config?: string;
}

/** The options of a command that changes something. */
export interface ChangeOptions extends ModelOptions {
  readonly who?: string;
  readonly why?: string;
  readonly yes?: true;
  readonly dryRun?: true;
}

/** What a command about one read model works with. */
export interface OpenModel {
  readonly store: EventStore;
  readonly model: ReadModel;
  readonly db: ModelDatabase;
}

/** Opens the store, and the database of the read model with this name, for as long as `use` takes. */
export async function withModel(
  shell: Shell,
  { name, config = defaultConfig }: ModelOptions & { readonly name: string },
  use: (open: OpenModel) => Promise<void>,
): Promise<void> {
  const models = await loadReadModels(config);
  const found = models.find(({ model }) => model.name === name);
  if (found === undefined) {
    throw notFound(
      `${config} names no read model ${name}. It names ${models.map(({ model }) => model.name).join(', ')}.`,
    );
  }
  await using store = await shell.open('existing');
  await withDatabase(found, (db) => use({ store, model: found.model, db }));
}

/** Opens a read model's database for as long as `use` takes. */
export async function withDatabase(
  configured: ConfiguredModel,
  use: (db: ModelDatabase) => Promise<void>,
): Promise<void> {
  const db = await opened(configured);
  try {
    await use(db);
  } finally {
    await db.destroy();
  }
}

async function opened({ model, db }: ConfiguredModel): Promise<ModelDatabase> {
  try {
    return await db();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Failure(
      'database-failed',
      6,
      `The database of ${model.name} cannot be opened: ${message}. Look at what its db in the config module opens, seen from this folder.`,
      { cause },
    );
  }
}

/** Does a job, and says how far it is. */
export async function followed<Result>(shell: Shell, job: Job<Result>): Promise<Result> {
  {
    using progress = new PhaseProgress(shell);
    for await (const step of job) progress.show(step);
  }
  return job.result();
}

/** Who does it, and why, for the log. */
export function reasonOf({ who, why }: ChangeOptions): { readonly who: string; readonly why: string } {
  if (why === undefined || why === '') throw usage('Say why, for those who come after: --why "the disk was full".');
  return { who: who ?? userInfo().username, why };
}

/** Stops a command that would change something and was not told that it may. */
export function refuseWithoutYes({ yes, dryRun }: ChangeOptions, what: string): void {
  if (yes === true || dryRun === true) return;
  throw new Failure('not-confirmed', 10, `This would ${what}. Look with --dry-run, and give --yes to do it.`);
}
