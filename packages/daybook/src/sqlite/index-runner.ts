import { Worker } from 'node:worker_threads';

import type { IndexerOptions } from './indexer.ts';

export interface IndexRunnerOptions extends IndexerOptions {
  readonly onIndexed: (indexed: number) => void;
  readonly onCheckpointed: () => void;
}

/** The thread that keeps the index. It starts when there is something to index. */
export class IndexRunner implements AsyncDisposable {
  readonly #options: IndexRunnerOptions;
  #worker: Worker | undefined;
  #asked = 0;

  constructor(options: IndexRunnerOptions) {
    this.#options = options;
  }

  get hasStarted(): boolean {
    return this.#worker !== undefined;
  }

  /** Asks for everything up to `to` to be indexed. Only durable events may be: what a crash takes must not be there. */
  advance(to: number): void {
    if (to <= this.#asked) return;
    this.#asked = to;
    this.#worker ??= this.#start();
    this.#worker.postMessage(to);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#worker = undefined;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    worker.ref();
    worker.postMessage(-1);
    await ended;
  }

  #start(): Worker {
    const { logPath, indexPath, busyTimeoutMs, onIndexed, onCheckpointed } = this.#options;
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./index-worker.${extension}`, import.meta.url), {
      workerData: { logPath, indexPath, busyTimeoutMs } satisfies IndexerOptions,
    });
    worker.on('message', (message: number | 'checkpointed') => {
      if (message === 'checkpointed') onCheckpointed();
      else onIndexed(message);
    });
    // A full disk, most of the time. The tail in memory stands in, and the next events start the thread again.
    worker.on('error', () => {
      if (this.#worker === worker) this.#worker = undefined;
      this.#asked = 0;
    });
    worker.unref();
    return worker;
  }
}
