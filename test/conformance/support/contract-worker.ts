import { parentPort, workerData } from 'node:worker_threads';

import type { EventStore } from 'daybook';
import { kurrentStore, type KurrentClient } from 'daybook/kurrent';
import { contractRun } from 'daybook/testing';

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

const { client: clientName, connectionString } = workerData as ContractWork; // Given by `contractThread`.
const contract = contractRun({ open, unsupported: unsupportedBy(clientName) });
const cases = new Map(
  contract.suites.flatMap((suite) => suite.cases.map((each) => [`${suite.name}: ${each.name}`, each])),
);

parentPort?.on('message', (name: string) => void answer(name));

async function answer(name: string): Promise<void> {
  if (name === 'end') {
    await contract[Symbol.asyncDispose]();
    parentPort?.close();
    return;
  }
  try {
    await cases.get(name)?.run();
    parentPort?.postMessage({ name } satisfies CaseResult);
  } catch (error) {
    const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
    parentPort?.postMessage({ name, problem } satisfies CaseResult);
  }
}

async function open(): Promise<EventStore> {
  const client = await connected();
  const store = kurrentStore(client);
  return {
    ...store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await client.dispose();
    },
  };
}

/** A client of its own for each store. Only the one that was asked for is loaded. */
async function connected(): Promise<KurrentClient & { dispose(): Promise<void> }> {
  if (clientName === '@kurrent/kurrentdb-client') {
    const { KurrentDBClient } = await import('@kurrent/kurrentdb-client');
    return KurrentDBClient.connectionString(connectionString.replace(/^esdb/, 'kurrentdb'));
  }
  const { EventStoreDBClient } = await import('@eventstore/db-client');
  return EventStoreDBClient.connectionString(connectionString);
}
