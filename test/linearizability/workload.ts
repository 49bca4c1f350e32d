import { setImmediate } from 'node:timers/promises';

import { jsonEvent, revision, streamName, type EventStore, type ExpectedRevision } from 'daybook';

import type { Operation } from './history.ts';
import type { Random } from './random.ts';

/** What the workers do to a store. */
export interface Workload {
  readonly operations: number;
  readonly workers: number;
  readonly random: Random;
  /** Before the names of the streams. */
  readonly prefix: string;
}

/** How many streams are in use at a time: few, so that workers meet. */
const streamsAtOnce = 4;
/** After how many operations of all workers they go on to other streams, so that reads stay short. */
const operationsOnStreams = 400;

/** Lets workers append to and read the same streams at once, over a line that delays and loses answers. */
export async function record(store: EventStore, workload: Workload): Promise<readonly Operation[]> {
  const history: Operation[] = [];
  const run = new Run(store, workload, history);
  await Promise.all(Array.from({ length: workload.workers }, async (_, worker) => run.work(worker)));
  return history;
}

class Run {
  readonly #store: EventStore;
  readonly #workload: Workload;
  readonly #history: Operation[];
  #started = 0;
  #ids = 0;
  /** Orders what is sent and what is answered, better than a clock can. */
  #time = 0;

  constructor(store: EventStore, workload: Workload, history: Operation[]) {
    this.#store = store;
    this.#workload = workload;
    this.#history = history;
  }

  async work(worker: number): Promise<void> {
    const { operations, random, prefix } = this.#workload;
    const seen = new Map<string, number>();
    while (this.#started < operations) {
      const group = Math.floor(this.#started / operationsOnStreams);
      this.#started += 1;
      const stream = `${prefix}-${group * streamsAtOnce + random.below(streamsAtOnce)}`;
      const last = random.chance(30) ? await this.#read(stream) : await this.#append(stream, worker, seen.get(stream));
      seen.set(stream, last);
    }
  }

  /** Gives the last revision that the worker knows of afterwards. */
  async #read(stream: string): Promise<number> {
    const invokedAt = this.#now();
    await this.#delay();
    const ids = (await Array.fromAsync(this.#store.readStream(streamName(stream)))).map(({ id }) => id);
    await this.#delay();
    this.#history.push({ stream, invokedAt, returnedAt: this.#now(), did: { kind: 'read', ids } });
    return ids.length - 1;
  }

  async #append(stream: string, worker: number, known = -1): Promise<number> {
    const { random } = this.#workload;
    const ids = Array.from({ length: 1 + random.below(3) }, () => this.#newId(worker));
    const expected = random.chance(20) ? undefined : known;
    const invokedAt = this.#now();
    const answered = await this.#send(stream, ids, expected);
    const kind = answered.refused ? 'conflict' : 'append';
    const common = { stream, invokedAt, returnedAt: answered.isLost ? Infinity : this.#now() };
    const { last } = answered;
    if (kind === 'append') {
      this.#history.push({ ...common, did: { kind, ids, expected, revision: answered.isLost ? undefined : last } });
    } else if (expected !== undefined) {
      this.#history.push({ ...common, did: { kind: 'conflict', expected, actual: last } });
    }
    return last;
  }

  /** Sends an append, now and then a second time because the answer was lost, and now and then not again. */
  async #send(
    stream: string,
    ids: readonly string[],
    expected: number | undefined,
  ): Promise<{ last: number; refused: boolean; isLost: boolean }> {
    const { random } = this.#workload;
    const events = ids.map((id) => jsonEvent({ type: 'Counted', data: null, id }));
    const from: ExpectedRevision = expected === undefined ? 'any' : expected < 0 ? 'no-stream' : revision(expected);
    for (;;) {
      await this.#delay();
      const answer = await this.#store.append(streamName(stream), events, { expected: from }).then(
        (appended) => ({ last: Number(appended.revision), refused: false, isLost: false }),
        (error: unknown) => ({ last: actualOf(error), refused: true, isLost: false }),
      );
      await this.#delay();
      if (answer.refused || !random.chance(4)) return answer;
      if (random.chance(30)) return { ...answer, isLost: true };
    }
  }

  async #delay(): Promise<void> {
    for (let turns = this.#workload.random.below(4); turns > 0; turns -= 1) await setImmediate();
  }

  #newId(worker: number): string {
    this.#ids += 1;
    return `${worker.toString(16).padStart(8, '0')}-0000-4000-8000-${this.#ids.toString(16).padStart(12, '0')}`;
  }

  #now(): number {
    this.#time += 1;
    return this.#time;
  }
}

/** Where a refused append said that the stream is. Any other error is one of the test run. */
function actualOf(error: unknown): number {
  const { code, actual } = Object(error) as { code?: unknown; actual?: unknown };
  if (code !== 'wrong-expected-revision') throw error;
  return actual === 'no-stream' ? -1 : Number(actual);
}
