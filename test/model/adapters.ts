import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { KurrentDBClient } from '@kurrent/kurrentdb-client';
import type { EventStore } from 'daybook';
import { startServer } from 'daybook-server';
import { kurrentStore } from 'daybook/kurrent';
import { openMemoryStore } from 'daybook/memory';
import { openSqliteStore } from 'daybook/sqlite';

/** The clock of a store under test, moved by the test. */
export interface Clock {
  nowMs: number;
}

/** A log under test: the store that is open on it, and how to open it again. */
export interface LogUnderTest extends AsyncDisposable {
  readonly store: EventStore;
  /** Over the protocol of KurrentDB: it lists nothing, and does not say everything of streams that are gone. */
  readonly isRemote?: true;
  /** Closes the store and opens the same log. Absent when the log would be gone. */
  readonly reopen?: () => Promise<EventStore>;
}

/** An adapter that must behave as the model does. */
export interface AdapterUnderTest {
  readonly name: string;
  /** A log of its own. */
  readonly open: (clock: Clock) => Promise<LogUnderTest>;
}

/** All adapters that the model is held against. */
export const adapters: readonly AdapterUnderTest[] = [
  {
    name: 'memory',
    open: async (clock) => {
      const store = openMemoryStore({ now: () => clock.nowMs });
      return { store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
    },
  },
  {
    name: 'SQLite',
    open: async (clock) => {
      const folder = mkdtempSync(join(tmpdir(), 'daybook-model-'));
      const open = () => openSqliteStore(join(folder, 'model.db'), { now: () => clock.nowMs });
      const store = await open();
      let current = store;
      return {
        store,
        reopen: async () => {
          await current[Symbol.asyncDispose]();
          current = await open();
          return current;
        },
        [Symbol.asyncDispose]: async () => {
          await current[Symbol.asyncDispose]();
          rmSync(folder, { recursive: true, force: true });
        },
      };
    },
  },
  {
    name: 'the server, through an official client',
    open: async (clock) => {
      const stack = new AsyncDisposableStack();
      const served = stack.use(openMemoryStore({ now: () => clock.nowMs }));
      const server = stack.use(await startServer({ store: served, port: 0, dev: true }));
      const connect = (): EventStore => {
        const client = KurrentDBClient.connectionString(`kurrentdb://127.0.0.1:${server.port}?tls=false`);
        stack.defer(() => client.dispose());
        return stack.use(kurrentStore(client));
      };
      const reopen = async (): Promise<EventStore> => connect();
      return { store: connect(), isRemote: true, reopen, [Symbol.asyncDispose]: () => stack.disposeAsync() };
    },
  },
];
