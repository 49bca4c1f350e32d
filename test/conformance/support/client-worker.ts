import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

import { clientCases } from '../cases/client-cases.ts';
import type { ClientContext, ClientLibrary, OfficialClient } from './client-case.ts';
import type { ContractWork } from './contract-worker.ts';

/** Runs the cases for clients, in a thread of its own: two clients in one thread take each other's classes. */
const { client: clientName, connectionString } = workerData as ContractWork; // Given by `clientThread`.
const library = createRequire(import.meta.url)(clientName) as ClientLibrary; // Both packages have what the cases use.
const context: ClientContext = { library, client: connected() };

parentPort?.on('message', (name: string) => void answer(name));

async function answer(name: string): Promise<void> {
  if (name === 'end') {
    await context.client.dispose();
    parentPort?.close();
    return;
  }
  try {
    const found = clientCases.find((each) => each.name === name);
    if (found === undefined) throw new Error(`There is no case ${name}.`);
    await found.run(context);
    parentPort?.postMessage({ name });
  } catch (error) {
    const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
    parentPort?.postMessage({ name, problem });
  }
}

function connected(): OfficialClient {
  const clients = library as unknown as Record<string, typeof library.KurrentDBClient | undefined>; // The older one's has another name.
  const found = clients['KurrentDBClient'] ?? clients['EventStoreDBClient'];
  if (found === undefined) throw new Error(`${clientName} has no client.`);
  return found.connectionString(connectionString);
}
