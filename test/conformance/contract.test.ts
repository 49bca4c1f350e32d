import { after, before, describe, it } from 'node:test';

import { startServer } from 'daybook-server';
import { openMemoryStore } from 'daybook/memory';
import { contractRun } from 'daybook/testing';

import { unsupportedBy, untold, type ClientName } from './support/clients.ts';
import { contractThread, type ContractThread } from './support/contract-thread.ts';

const clients: readonly ClientName[] = ['@kurrent/kurrentdb-client', '@eventstore/db-client'];

describe('the contract of an event store holds through the wire', () => {
  for (const client of clients) {
    describe(client, () => {
      const stack = new AsyncDisposableStack();
      let thread: ContractThread | undefined;
      before(async () => {
        const store = stack.use(openMemoryStore());
        const { port } = stack.use(await startServer({ store, port: 0, dev: true }));
        const scheme = client === '@eventstore/db-client' ? 'esdb' : 'kurrentdb';
        thread = stack.use(contractThread({ client, connectionString: `${scheme}://127.0.0.1:${port}?tls=false` }));
      });
      after(() => stack.disposeAsync());
      const { suites } = contractRun({
        open: () => Promise.reject(new Error('The thread opens the store.')),
        unsupported: unsupportedBy(client),
      });
      for (const suite of suites) {
        describe(suite.name, () => {
          for (const { name } of suite.cases.filter((each) => untold[each.name] === undefined)) {
            it(name, () => thread?.run(`${suite.name}: ${name}`));
          }
        });
      }
    });
  }
});
