import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { startServer, type Server } from 'daybook-server';
import { openSqliteStore, type SqliteStore } from 'daybook/sqlite';
import { contractRun, type ContractRun } from 'daybook/testing';

import { adapterCases } from './cases/adapter-cases.ts';
import { unsupportedBy, untold, type ClientName } from './support/clients.ts';
import { contractThread, type ContractThread } from './support/contract-thread.ts';

const clients: readonly ClientName[] = ['@kurrent/kurrentdb-client', '@eventstore/db-client'];

/**
 * Whether a case goes through a client. In CI all do; else every second one goes through the older client, and the
 * others through the newer: most of the time is the clients' own.
 */
function isDue(name: string, client: ClientName): boolean {
  if (process.env['CI'] === 'true') return true;
  return throughOlder.has(name) === (client === '@eventstore/db-client');
}

const throughOlder = new Set(casesOf('@eventstore/db-client').filter((_, index) => index % 2 === 0));

/** What the contract asks of a client, apart from what it cannot be told. */
function casesOf(client: ClientName): readonly string[] {
  return contractOf(client)
    .suites.flatMap(({ cases }) => cases.map(({ name }) => name))
    .filter((name) => untold[name] === undefined);
}

function contractOf(client: ClientName): ContractRun {
  return contractRun({ open: () => assert.fail('cases run in the thread'), unsupported: unsupportedBy(client) });
}

describe('the contract over the wire', { concurrency: true }, () => {
  for (const client of clients)
    describe(`through ${client} and the server`, { concurrency: 1 }, () => {
      const folder = mkdtempSync(join(tmpdir(), 'daybook-conformance-'));
      let store: SqliteStore;
      let server: Server;
      let thread: ContractThread;
      before(async () => {
        store = await openSqliteStore(join(folder, 'contract.db'));
        server = await startServer({ store, port: 0, dev: true });
        thread = contractThread({ client, connectionString: `esdb://127.0.0.1:${server.port}?tls=false` });
      });
      after(async () => {
        await thread[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
        await store[Symbol.asyncDispose]();
        rmSync(folder, { recursive: true });
      });

      const contract = contractOf(client);
      for (const suite of contract.suites) {
        describe(suite.name, () => {
          for (const { name } of suite.cases) {
            if (untold[name] === undefined && isDue(name, client)) it(name, () => thread.run(`${suite.name}: ${name}`));
          }
        });
      }

      describe('beyond the contract', () => {
        for (const { name, only = client } of adapterCases) {
          if (only === client) it(name, () => thread.run(`adapter: ${name}`));
        }
      });

      it('leaves out nothing without a reason', (t) => {
        const due = clients.flatMap((each) => casesOf(each).filter((name) => isDue(name, each)));
        assert.deepEqual(
          casesOf('@kurrent/kurrentdb-client').filter((name) => !due.includes(name)),
          [],
        );
        const left = [...contract.unsupported, ...Object.entries(untold).map(([name, reason]) => ({ name, reason }))];
        for (const { name, reason } of left) t.diagnostic(`not run: ${name} (${reason})`);
        const names = new Set(contract.suites.flatMap(({ cases }) => cases.map(({ name }) => name)));
        assert.deepEqual(
          Object.keys(untold).filter((name) => !names.has(name)),
          [],
        );
      });
    });
});
