import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { EventStore } from 'daybook';
import type { Consumer } from 'daybook/consumer';

import { Failure, notFound, usage } from '../failure.ts';
import { isConfiguredModel, isConsumer, type Config, type ConfiguredConsumer, type ConfiguredModel } from './config.ts';

/** Where a service says what it is made of, when nothing else is said. */
export const defaultConfig = './daybook.config.ts';

/** What an option `--config <module>` with its `--no-config` gives. */
export interface ConfigOptions {
  readonly config?: string | false;
}

/**
 * What a module names in `consumers` and `readModels`.
 *
 * @throws Failure when there is no such module, or what it says cannot be used.
 */
export async function loadConfig(path: string): Promise<Config> {
  if (!existsSync(path)) {
    throw notFound(
      `${path} is not there. Name your consumers and read models in it, or give another one with --config.`,
    );
  }
  const exported = await importConfig(path);
  const { consumers, readModels } = exported;
  if (consumers === undefined && readModels === undefined) {
    const others = Object.keys(exported);
    throw usage(
      `${path} names nothing: it exports ${others.length === 0 ? 'nothing' : others.join(', ')}. ` +
        'Export consumers = [emailOnOrderShipped] or readModels = [{ model: shipments, db: () => new Kysely(…) }].',
    );
  }
  return { path, consumers: consumersIn(path, consumers), readModels: modelsIn(path, readModels) };
}

/** What the module says that is named, or the one that is there by default. `undefined` when there is none. */
export async function findConfig({ config }: ConfigOptions): Promise<Config | undefined> {
  if (config === false || (config === undefined && !existsSync(defaultConfig))) return undefined;
  return loadConfig(config ?? defaultConfig);
}

/** @throws Failure when the module names no read models. */
export async function loadReadModels(path: string): Promise<readonly ConfiguredModel[]> {
  const { readModels } = await loadConfig(path);
  if (readModels.length === 0) {
    throw usage(`${path} names no read models. Export readModels = [{ model: shipments, db: () => new Kysely(…) }].`);
  }
  return readModels;
}

/** The consumer that an entry of a config stands for, on a store. */
export function defined({ define }: ConfiguredConsumer, store: EventStore): Consumer {
  const made: unknown = define(store);
  if (isConsumer(made)) return made;
  throw usage(
    'A function in consumers gave no consumer. Give (store) => consumer(…), and let it return what it makes.',
  );
}

async function importConfig(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>; // Whatever it exports.
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Failure('module-failed', 1, `--config ${path} cannot be loaded: ${message}`, { cause });
  }
}

function consumersIn(path: string, named: unknown = []): readonly ConfiguredConsumer[] {
  if (!Array.isArray(named)) throw usage(`${path}: consumers is no list. Export consumers = [emailOnOrderShipped].`);
  return named.map((each: unknown, index) => {
    const { consumer = each, effects = 'outside' }: { consumer?: unknown; effects?: unknown } = Object(each);
    if (effects !== 'outside' && effects !== 'in-log') {
      throw usage(`${path}: effects of consumers[${index}] is ${String(effects)}. Say 'in-log' or 'outside'.`);
    }
    if (isConsumer(consumer)) return { define: () => consumer, effects };
    // What it gives is looked at when it is called: see `defined`.
    if (typeof consumer === 'function') return { define: consumer as ConfiguredConsumer['define'], effects };
    throw usage(
      `${path}: consumers[${index}] is no consumer. Give what consumer() makes, (store) => consumer(…), ` +
        'or { consumer, effects } with one of these.',
    );
  });
}

function modelsIn(path: string, named: unknown = []): readonly ConfiguredModel[] {
  if (!Array.isArray(named)) throw usage(`${path}: readModels is no list. Export readModels = [{ model, db }].`);
  const wrong = named.findIndex((each) => !isConfiguredModel(each));
  if (wrong >= 0) throw usage(`${path}: readModels[${wrong}] is not { model, db }. readModel() makes a model.`);
  return named as readonly ConfiguredModel[]; // Each was looked at.
}
