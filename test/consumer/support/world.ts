import {
  eventTypeStream,
  jsonData,
  jsonEvent,
  streamName,
  type EventStore,
  type RecordedEvent,
  type StreamName,
} from 'daybook';
import { runConsumer, type Consumer, type ConsumerRun, type RunConsumerOptions } from 'daybook/consumer';
import { openMemoryStore, type MemoryStore } from 'daybook/memory';
import { SimulatedClock } from 'daybook/testing';

/** What most consumers of these tests follow. */
export const placed: StreamName = eventTypeStream('OrderPlaced');

/** A store in memory, a clock that a test turns, and the runs that go with them. */
export class World implements AsyncDisposable {
  readonly clock: SimulatedClock;
  readonly memory: MemoryStore;
  /** The store as consumers see it: it can be out of reach. */
  readonly store: EventStore;
  readonly #runs: ConsumerRun[] = [];
  readonly #breakable: Breakable;

  constructor(seed = 1) {
    this.clock = new SimulatedClock({ seed });
    this.memory = openMemoryStore({ now: () => this.clock.now() });
    this.#breakable = breakable(this.memory);
    this.store = this.#breakable.store;
  }

  /** From now on, or until it is called without one, every call to the store throws this. */
  breakStore(error?: Error): void {
    this.#breakable.break(error);
  }

  /** Runs a consumer, and lets it do what it can do at once. */
  async run(consumer: Consumer, options: RunConsumerOptions = {}): Promise<ConsumerRun> {
    const run = await runConsumer(this.store, consumer, { clock: this.clock, ...options });
    this.#runs.push(run);
    await this.clock.settle();
    return run;
  }

  /** Stops a run while its clock goes on. */
  async stop(run: ConsumerRun): Promise<void> {
    let isStopped = false;
    const stopping = run[Symbol.asyncDispose]().then(() => (isStopped = true));
    await this.clock.until(() => isStopped);
    await stopping;
  }

  /** Appends an order to each of these customers' streams. */
  async place(...customers: readonly (string | number)[]): Promise<void> {
    for (const customer of customers) {
      const event = jsonEvent({ type: 'OrderPlaced', data: { customer } });
      await this.memory.append(streamName(`Customer-${customer}`), [event], { expected: 'any' });
    }
    await this.clock.settle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.breakStore();
    for (const run of this.#runs) await this.stop(run);
  }
}

/** A store that can be out of reach. */
export interface Breakable {
  readonly store: EventStore;
  /** From now on every call throws this, or, without one, none does, and none waits. */
  break(error?: Error): void;
  /** From now on every call waits, as those of a process that was stopped do. */
  sleep(): void;
}

/** A store that can be out of reach for those who have it from here. */
export function breakable(whole: EventStore): Breakable {
  let outage: Error | undefined;
  let awake = Promise.withResolvers<void>();
  awake.resolve();
  const check = async (): Promise<void> => {
    await awake.promise;
    if (outage !== undefined) throw outage;
  };
  const store = new Proxy(whole, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      const bound = member.bind(target) as (...words: readonly unknown[]) => unknown;
      if (/^(?:read|subscribe|list)/.test(String(name))) {
        return (...words: readonly unknown[]) => broken(bound(...words), check);
      }
      return async (...words: readonly unknown[]) => {
        await check();
        return await bound(...words);
      };
    },
  });
  return {
    store,
    break: (error) => {
      outage = error;
      awake.resolve();
    },
    sleep: () => {
      awake.resolve();
      awake = Promise.withResolvers();
    },
  };
}

/** The customer that an order is of. */
export function customerOf(event: RecordedEvent): string {
  return String((jsonData(event) as { customer: unknown }).customer);
}

/** `23@Customer-a`: where an event stands. */
export function placeOf({ stream, revision }: RecordedEvent): string {
  return `${revision}@${stream}`;
}

/** Pages that fail when the store is broken. */
function broken(paged: unknown, check: () => Promise<void>): unknown {
  const source = paged as { pages(): AsyncGenerator<readonly unknown[]> };
  async function* pages(): AsyncGenerator<readonly unknown[]> {
    await check();
    for await (const page of source.pages()) {
      await check();
      yield page;
      await check();
    }
  }
  return {
    pages,
    async *[Symbol.asyncIterator]() {
      for await (const page of pages()) yield* page;
    },
  };
}
