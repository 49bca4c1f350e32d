import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { ReadModel, VerifyOptions } from 'daybook/read-model';

import { Failure, notFound, usage } from '../failure.ts';

/** The database of a read model, as its owner opens it. */
export type ModelDatabase = VerifyOptions['db'];

/** A read model and how its database is opened. */
export interface ConfiguredModel {
  readonly model: ReadModel;
  readonly db: () => ModelDatabase | Promise<ModelDatabase>;
}

/** Where a service says what it is made of, when nothing else is said. */
export const defaultConfig = './daybook.config.ts';

/**
 * The read models that a module names in `readModels`.
 *
 * @throws Failure when there is no such module, or what it says cannot be used.
 */
export async function loadReadModels(path: string): Promise<readonly ConfiguredModel[]> {
  if (!existsSync(path)) {
    throw notFound(`${path} is not there. Name your read models in it, or give another one with --config.`);
  }
  const exported = await importConfig(path);
  const named: unknown = exported['readModels'];
  if (!Array.isArray(named) || named.length === 0) {
    throw usage(`${path} names no read models. Export readModels = [{ model: shipments, db: () => new Kysely(…) }].`);
  }
  const wrong = named.findIndex((each) => !isConfigured(each));
  if (wrong >= 0) throw usage(`${path}: readModels[${wrong}] is not { model, db }. readModel() makes a model.`);
  return named as readonly ConfiguredModel[]; // Each was looked at.
}

async function importConfig(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>; // Whatever it exports.
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Failure('module-failed', 1, `--config ${path} cannot be loaded: ${message}`, { cause });
  }
}

/** Read models are known by what they have: the module may come with its own copy of the library. */
function isConfigured(value: unknown): value is ConfiguredModel {
  if (typeof value !== 'object' || value === null) return false;
  const { model, db }: { model?: unknown; db?: unknown } = value;
  if (typeof db !== 'function' || typeof model !== 'object' || model === null) return false;
  const fields: { name?: unknown; sources?: unknown; tables?: unknown } = model;
  return typeof fields.name === 'string' && Array.isArray(fields.sources) && typeof fields.tables === 'object';
}
