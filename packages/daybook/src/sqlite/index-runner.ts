import { Worker } from 'node:worker_threads';

import type { IndexerOptions } from './indexer.ts';
import { generationEvents } from './tail.ts';

/** So many new events are worth a run. */
const runEvents = 2 * generationEvents;
/**
 * Under load a run is not begun more often than this, unless so many events wait. A run of many events writes each page
 * once that a few runs would write each; but until then they are in memory, and whoever opens the store reads them.
 */
const runEveryMs = 1_000;
const runEventsAtMost = 8 * generationEvents;
/** What the thread makes is garbage at once. Left alone, it would keep 128 MB for that, and fill all of them now and then. */
const youngGenerationMb = 24;

/** How far which index is. */
export interface Indexed {
  readonly indexed: number;
  /** An index that was made again has another id. */
  readonly id: string;
}

/** What the thread is asked for. */
export interface IndexTask {
  /** Everything up to here is to be indexed. -1: nothing more. */
  readonly to: number;
  /** The id of an index that has to be made again. */
  readonly damaged?: string;
}

export interface IndexRunnerOptions extends IndexerOptions {
  readonly onIndexed: (indexed: Indexed) => void;
  /** The write-ahead file is large, and most of it is in the log. */
  readonly onCheckpointed: () => void;
}

/** The thread that keeps the index. It starts when there is something to index. */
export class IndexRunner implements AsyncDisposable {
  readonly #options: IndexRunnerOptions;
  #worker: Worker | undefined;
  #asked = 0;
  #askedMs = -Infinity;
  /** What is asked for when it is time. */
  #wanted = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: IndexRunnerOptions) {
    this.#options = options;
  }

  get hasStarted(): boolean {
    return this.#worker !== undefined;
  }

  /**
   * Asks for everything up to `to` to be indexed, once it is worth a run: a run of few events writes nearly as many pages
   * as one of many. Only durable events may be indexed: what a crash takes must not be there.
   */
  advance(to: number): void {
    if (to < this.#asked + runEvents) return;
    this.#wanted = to;
    const restMs = this.#askedMs + runEveryMs - performance.now();
    if (restMs <= 0 || to >= this.#asked + runEventsAtMost) this.#ask({ to });
    else this.#timer ??= setTimeout(() => this.#ask({ to: this.#wanted }), restMs).unref();
  }

  /** Has everything up to `to` indexed in a new index, in place of one that is damaged. */
  rebuild(damaged: string, to: number): void {
    this.#ask({ to, damaged });
  }

  #ask(task: IndexTask): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#asked = task.to;
    this.#askedMs = performance.now();
    this.#worker ??= this.#start();
    this.#worker.postMessage(task);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end(this.#asked);
  }

  /** Ends the thread. If there is one, everything up to `to` is indexed first. */
  async end(to: number): Promise<void> {
    clearTimeout(this.#timer);
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#worker = undefined;
    if (to > this.#asked) worker.postMessage({ to } satisfies IndexTask);
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    worker.ref();
    worker.postMessage({ to: -1 } satisfies IndexTask);
    await ended;
  }

  #start(): Worker {
    const { logPath, indexPath, busyTimeoutMs, onIndexed, onCheckpointed } = this.#options;
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./index-worker.${extension}`, import.meta.url), {
      workerData: { logPath, indexPath, busyTimeoutMs } satisfies IndexerOptions,
      resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
    });
    worker.on('message', (message: Indexed | 'checkpointed') => {
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
