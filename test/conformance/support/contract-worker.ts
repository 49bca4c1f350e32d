import { parentPort, workerData } from 'node:worker_threads';

import type { EventStore } from 'daybook';
import { kurrentStore, type KurrentClient } from 'daybook/kurrent';
import { contractRun } from 'daybook/testing';

import { adapterCases, type AdapterCase } from '../cases/adapter-cases.ts';
import { unsupportedBy, type ClientName } from './clients.ts';

/**
 * Runs the cases of the contract through one of the official clients, in a thread of its own: their generated code
 * keeps its classes in one global object, so that two of them in one thread take each other's.
 */
export interface ContractWork {
  readonly client: ClientName;
  readonly connectionString: string;
}

/** The answer to the name of a case: what went wrong, if anything did. */
export interface CaseResult {
  readonly name: string;
  readonly problem?: string;
}

const { client: clientName, connectionString: shared } = workerData as ContractWork; // Given by `contractThread`.
const contract = contractRun({ open, unsupported: unsupportedBy(clientName) });
const cases = new Map<string, () => Promise<void>>([
  ...contract.suites.flatMap((suite) => suite.cases.map(({ name, run }) => [`${suite.name}: ${name}`, run] as const)),
  ...adapterCases.map(({ name, run }) => [`adapter: ${name}`, () => withClients(run)] as const),
]);

parentPort?.on('message', (name: string) => void answer(name));

async function answer(name: string): Promise<void> {
  if (name === 'end') {
    await contract[Symbol.asyncDispose]();
    parentPort?.close();
    return;
  }
  try {
    const run = cases.get(name);
    if (run === undefined) throw new Error(`There is no case ${name}.`);
    await run();
    parentPort?.postMessage({ name } satisfies CaseResult);
  } catch (error) {
    const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
    parentPort?.postMessage({ name, problem } satisfies CaseResult);
  }
}

async function open(): Promise<EventStore> {
  const client = await connected(shared);
  const store = kurrentStore(client, { timeoutMs: 60_000 }); // A busy machine takes long for 10,000 appends in one tick.
  return {
    ...store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await client.dispose();
    },
  };
}

/** Runs a case that makes its own clients, and disposes of them. */
async function withClients(run: AdapterCase['run']): Promise<void> {
  await using stack = new AsyncDisposableStack();
  await run({
    connectionString: shared,
    async connect(connectionString) {
      const client = await connected(connectionString);
      stack.defer(() => client.dispose());
      return client;
    },
  });
}

/** A client of its own for each store. Only the one that was asked for is loaded. */
async function connected(connectionString: string): Promise<KurrentClient & { dispose(): Promise<void> }> {
  if (clientName === '@kurrent/kurrentdb-client') {
    const { KurrentDBClient } = await import('@kurrent/kurrentdb-client');
    return KurrentDBClient.connectionString(connectionString.replace(/^esdb/, 'kurrentdb'));
  }
  const { EventStoreDBClient } = await import('@eventstore/db-client');
  return EventStoreDBClient.connectionString(connectionString);
}
