import { NotSupported, type EventStore } from 'daybook';
import type { SqliteStore } from 'daybook/sqlite';

import { usage } from './failure.ts';

/** Where events are when nothing else is said. */
export const defaultStore = './daybook.db';

/** Whether a store that is not there is made. */
export type StoreUse = 'existing' | 'create';

/** The kinds of places that `--store` can name. */
export type StoreKind = 'file' | 'memory' | 'server';

/** What kind of place `--store` names. */
export function storeKind(location: string): StoreKind {
  if (location === 'memory:') return 'memory';
  if (/^(?:esdb|kurrentdb)(?:\+discover)?:\/\//.test(location)) return 'server';
  const scheme = /^([a-z][a-z+]+):\/\//i.exec(location)?.[1];
  if (scheme === undefined) return 'file';
  throw usage(
    `--store ${withoutSecret(location)}: no store speaks ${scheme}. Give a file, memory:, or esdb://host:2113?tls=false.`,
  );
}

/** What `--store` names, as it can be shown: without the name and the password of a user. */
export function withoutSecret(location: string): string {
  return location.replace(/:\/\/[^@/]*@/, '://…@');
}

/** Opens the store that `--store` names. */
export async function openStore(location: string, use: StoreUse): Promise<EventStore> {
  switch (storeKind(location)) {
    case 'memory': {
      const { openMemoryStore } = await import('daybook/memory'); // Each is loaded when it is needed, as below.
      return openMemoryStore();
    }
    case 'server':
      return openServer(location);
    case 'file':
      return openFileStore(location, use);
    default:
      throw new TypeError('There is no other kind.');
  }
}

/**
 * Opens the file that `--store` names, for something that is done to it: `verified`.
 *
 * @throws NotSupported when it names something else.
 */
export async function openFile(location: string, done: string): Promise<SqliteStore> {
  checkFile(location, done);
  return openFileStore(location, 'existing');
}

/** Throws unless `location` is a file: only that can be `verified`, or whatever else is done to it. */
export function checkFile(location: string, done: string): void {
  const kind = storeKind(location);
  if (kind === 'file') return;
  if (kind === 'memory') throw new NotSupported(`be ${done}: give --store FILE`, 'Memory');
  throw new NotSupported(`be ${done} from here: give --store FILE, on the machine where the store is`, 'A server');
}

async function openFileStore(path: string, use: StoreUse): Promise<SqliteStore> {
  const { openSqliteStore } = await import('daybook/sqlite');
  return openSqliteStore(path, { missing: use === 'create' ? 'create' : 'refuse' });
}

async function openServer(location: string): Promise<EventStore> {
  // Loaded when it is needed: it brings gRPC and a native add-on with it.
  const { KurrentDBClient } = await import('@kurrent/kurrentdb-client');
  const { kurrentStore } = await import('daybook/kurrent');
  let client: ReturnType<typeof KurrentDBClient.connectionString>;
  try {
    client = KurrentDBClient.connectionString(location.replace(/^esdb/, 'kurrentdb')); // The old word is met with a warning.
  } catch (cause) {
    throw usage(
      `--store ${withoutSecret(location)} is no connection string: ${cause instanceof Error ? cause.message : ''}.`,
      {
        cause,
      },
    );
  }
  const store = kurrentStore(client);
  return {
    ...store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await client.dispose();
    },
  };
}
