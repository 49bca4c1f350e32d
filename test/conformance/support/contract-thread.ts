import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import type { CaseResult, ContractWork } from './contract-worker.ts';

/** A thread that runs cases of the contract, one after the other. */
export interface ContractThread extends AsyncDisposable {
  /** Runs a case. Rejects when the promise is not kept. */
  run(name: string): Promise<void>;
}

/** Starts a thread that runs the contract through a client. */
export function contractThread(work: ContractWork): ContractThread {
  const worker = new Worker(new URL('contract-worker.ts', import.meta.url), { workerData: work });
  return {
    async run(name) {
      const answered = once(worker, 'message');
      worker.postMessage(name);
      const [result] = (await answered) as [CaseResult]; // The worker answers one case at a time.
      if (result.problem !== undefined) throw new Error(result.problem);
    },
    async [Symbol.asyncDispose]() {
      const ended = once(worker, 'exit');
      worker.postMessage('end');
      await ended;
    },
  };
}
