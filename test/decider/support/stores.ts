import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { KurrentDBClient } from '@kurrent/kurrentdb-client';
import type { EventStore } from 'daybook';
import { startServer } from 'daybook-server';
import { kurrentStore } from 'daybook/kurrent';
import { openMemoryStore } from 'daybook/memory';
import { openSqliteStore, type SqliteStore } from 'daybook/sqlite';

/** The stores that a promise about commands must hold on. */
export const storeKinds = ['memory', 'sqlite', 'server'] as const;

export type StoreKind = (typeof storeKinds)[number];

/** A new store, and everything that it needs to run. */
export interface OpenedStore extends AsyncDisposable {
  readonly store: EventStore;
  /** The same log, as another process would open it. */
  another(): Promise<EventStore>;
}

export interface OpenOptions {
  readonly now?: () => number;
}

/** Opens a new store of a kind. `server`: SQLite behind the server, through KurrentDB's client. */
export async function openedStore(kind: StoreKind, options: OpenOptions = {}): Promise<OpenedStore> {
  const stack = new AsyncDisposableStack();
  const another = await openerOf(stack, kind, options);
  return { store: await another(), another, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function openerOf(
  stack: AsyncDisposableStack,
  kind: StoreKind,
  options: OpenOptions,
): Promise<() => Promise<EventStore>> {
  if (kind === 'memory') {
    const store = stack.use(openMemoryStore(options));
    return () => Promise.resolve(new Proxy(store, { get: boundTo }));
  }
  const folder = await mkdtemp(join(tmpdir(), 'daybook-decider-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const open = async (): Promise<SqliteStore> => stack.use(await openSqliteStore(join(folder, 'shop.db'), options));
  if (kind === 'sqlite') return open;
  const server = stack.use(await startServer({ store: await open(), port: 0, dev: true }));
  return async () => {
    const client = KurrentDBClient.connectionString(`kurrentdb://127.0.0.1:${server.port}?tls=false`);
    stack.defer(() => client.dispose());
    return stack.use(kurrentStore(client));
  };
}

/** What a store has, for whoever holds another object that stands for it. */
function boundTo(store: EventStore, name: string | symbol): unknown {
  const value: unknown = Reflect.get(store, name);
  return typeof value === 'function' ? (value.bind(store) as unknown) : value;
}
