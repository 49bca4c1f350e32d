import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import type { EventStore } from 'daybook';
import { startServer } from 'daybook-server';
import { openMemoryStore } from 'daybook/memory';
import { openSqliteStore } from 'daybook/sqlite';

import { clientCases } from './cases/client-cases.ts';
import { clientThread } from './support/client-thread.ts';
import type { ClientName } from './support/clients.ts';
import type { ContractThread } from './support/contract-thread.ts';

const clients: readonly ClientName[] = ['@kurrent/kurrentdb-client', '@eventstore/db-client'];

/** What is served, each anew for each client. What a store leaves behind goes with the stack. */
const stores: Readonly<Record<string, (stack: AsyncDisposableStack) => Promise<EventStore>>> = {
  memory: async (stack) => {
    const store = openMemoryStore();
    stack.defer(async () => {
      await store[Symbol.asyncDispose]();
    });
    stack.defer(() => leftBy(() => store.subscribers));
    return store;
  },
  SQLite: async (stack) => {
    const folder = mkdtempSync(join(tmpdir(), 'daybook-clients-'));
    stack.defer(() => rmSync(folder, { recursive: true }));
    return stack.use(await openSqliteStore(join(folder, 'log.db')));
  },
};

for (const client of clients) {
  for (const [name, open] of Object.entries(stores)) {
    describe(`${client} over ${name}`, () => {
      const stack = new AsyncDisposableStack();
      let thread: ContractThread;
      before(async () => {
        const store = await open(stack);
        const { port } = stack.use(await startServer({ store, port: 0, dev: true }));
        thread = stack.use(clientThread({ client, connectionString: `esdb://127.0.0.1:${port}?tls=false` }));
      });
      after(() => stack.disposeAsync());
      for (const each of clientCases) {
        if (each.only === undefined || each.only === client) it(each.name, () => thread.run(each.name));
      }
    });
  }
}

/** Ways to name a server after which clients ask it which nodes there are, and connect to what it answers. */
const ways: Readonly<Record<string, (port: number) => string>> = {
  'esdb+discover://': (port) => `esdb+discover://127.0.0.1:${port}?tls=false`,
  'several hosts': (port) => `esdb://127.0.0.1:${port},localhost:${port}?tls=false`,
  'several hosts, of which one is not there': (port) => `esdb://127.0.0.1:9,127.0.0.1:${port}?tls=false`,
};

/** An append, a plain read and a subscription: three ways to the server. */
const enough: readonly string[] = [
  'an append is taken when the stream is where its writer expects it',
  'bytes, metadata and ids come back as they were sent',
  'a subscription gives a stream from its start, and then what is appended',
];

for (const client of clients) {
  describe(`${client} finds the server`, { concurrency: true }, () => {
    for (const [way, connectionString] of Object.entries(ways)) {
      it(`by ${way}`, async () => {
        await using store = openMemoryStore();
        await using server = await startServer({ store, port: 0, dev: true });
        await using thread = clientThread({ client, connectionString: connectionString(server.port) });
        for (const name of enough) await thread.run(name);
      });
    }
  });
}

/** Subscriptions must be gone when their clients are. */
async function leftBy(subscribers: () => number): Promise<void> {
  const deadlineMs = Date.now() + 5_000;
  while (subscribers() > 0 && Date.now() < deadlineMs) await setTimeout(5);
  assert.equal(subscribers(), 0);
}
