import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import type { ContractThread } from './contract-thread.ts';
import type { CaseResult, ContractWork } from './contract-worker.ts';

/** Starts a thread that runs cases with an official client. */
export function clientThread(work: ContractWork): ContractThread {
  const worker = new Worker(new URL('client-worker.ts', import.meta.url), { workerData: work });
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
