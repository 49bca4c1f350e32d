import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { KurrentDBClient } from '@kurrent/kurrentdb-client';
import type { EventStore } from 'daybook';
import { startServer } from 'daybook-server';
import { kurrentStore } from 'daybook/kurrent';
import { openMemoryStore } from 'daybook/memory';
import { openSqliteStore } from 'daybook/sqlite';

/** The stores that a promise about commands must hold on. */
export const storeKinds = ['memory', 'sqlite', 'server'] as const;

export type StoreKind = (typeof storeKinds)[number];

/** A new store, and everything that it needs to run. */
export interface OpenedStore extends AsyncDisposable {
  readonly store: EventStore;
}

export interface OpenOptions {
  readonly now?: () => number;
}

/** Opens a new store of a kind. `server`: SQLite behind the server, through KurrentDB's client. */
export async function openedStore(kind: StoreKind, options: OpenOptions = {}): Promise<OpenedStore> {
  const stack = new AsyncDisposableStack();
  const store = await openOn(stack, kind, options);
  return { store, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function openOn(stack: AsyncDisposableStack, kind: StoreKind, options: OpenOptions): Promise<EventStore> {
  if (kind === 'memory') return stack.use(openMemoryStore(options));
  const folder = await mkdtemp(join(tmpdir(), 'daybook-decider-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const sqlite = stack.use(await openSqliteStore(join(folder, 'shop.db'), options));
  if (kind === 'sqlite') return sqlite;
  const server = stack.use(await startServer({ store: sqlite, port: 0, dev: true }));
  const client = KurrentDBClient.connectionString(`kurrentdb://127.0.0.1:${server.port}?tls=false`);
  stack.defer(() => client.dispose());
  return stack.use(kurrentStore(client));
}
