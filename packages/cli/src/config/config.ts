import type { EventStore } from 'daybook';
import type { Consumer } from 'daybook/consumer';
import type { ReadModel, VerifyOptions } from 'daybook/read-model';

/** The database of a read model, as its owner opens it. */
export type ModelDatabase = VerifyOptions['db'];

/** A read model and how its database is opened. */
export interface ConfiguredModel {
  readonly model: ReadModel;
  readonly db: () => ModelDatabase | Promise<ModelDatabase>;
  /** Opens an empty database that a game day may fill. Default: SQLite in a temporary file. */
  readonly scratch?: (() => ModelDatabase | Promise<ModelDatabase>) | undefined;
}

/** A consumer, and where the things that it does happen. */
export interface ConfiguredConsumer {
  readonly define: (store: EventStore) => Consumer;
  /** `in-log`: all that it does is append to the store it was given. Default: `outside`. */
  readonly effects: 'in-log' | 'outside';
}

/** What a service is made of, as its config says. */
export interface Config {
  /** Where it was read. */
  readonly path: string;
  readonly consumers: readonly ConfiguredConsumer[];
  readonly readModels: readonly ConfiguredModel[];
}

/** A consumer when it is not known to be one: it may come with its own copy of the library. */
export function isConsumer(value: unknown): value is Consumer {
  if (typeof value !== 'object' || value === null) return false;
  const fields: { name?: unknown; sources?: unknown; handle?: unknown } = value;
  return typeof fields.name === 'string' && Array.isArray(fields.sources) && typeof fields.handle === 'function';
}

/** A read model and its database, when they are not known to be: see above. */
export function isConfiguredModel(value: unknown): value is ConfiguredModel {
  if (typeof value !== 'object' || value === null) return false;
  const { model, db, scratch }: { model?: unknown; db?: unknown; scratch?: unknown } = value;
  if (typeof db !== 'function' || typeof model !== 'object' || model === null) return false;
  if (scratch !== undefined && typeof scratch !== 'function') return false;
  const fields: { name?: unknown; sources?: unknown; tables?: unknown } = model;
  return typeof fields.name === 'string' && Array.isArray(fields.sources) && typeof fields.tables === 'object';
}
