import { jsonEvent, StoreUnavailable, streamName, type EventStore, type RecordedEvent } from 'daybook';
import {
  checkpointHistory,
  consumer,
  readCheckpoint,
  readParked,
  requestControl,
  runConsumer,
  setCheckpoint,
  type Consumer,
  type ConsumerRun,
  type Place,
} from 'daybook/consumer';
import { openMemoryStore } from 'daybook/memory';
import { SimulatedClock } from 'daybook/testing';

import { breakable, placed, placeOf, type Breakable } from './world.ts';

/** A mistake that the simulation must find. */
export type Mutant = 'swallow' | 'checkpoint-first' | 'no-fence' | 'impatient';

/** Things that are done and happen in one run. */
const steps = 25;

const place: Place = { source: placed, consumer: 'Simulated' };

/** One instance of the consumer: a process that can be cut off from the store, or be gone. */
interface Instance {
  readonly store: Breakable;
  readonly run: ConsumerRun;
  isGone: boolean;
}

/**
 * Two instances of a consumer on one store, with a seed's worth of what can happen: handlers that fail, streams that
 * are poison, processes that die, sleep or are cut off, people who pause, rewind and retry. In the end all is well
 * again, and what must be so is compared with the log. Gives what is not so.
 */
export async function simulate(seed: number, mutant?: Mutant): Promise<readonly string[]> {
  const simulation = new Simulation(seed, mutant);
  await simulation.run();
  return simulation.problems();
}

class Simulation {
  readonly #clock: SimulatedClock;
  readonly #log: EventStore;
  readonly #mutant: Mutant | undefined;
  readonly #failing: number;
  readonly #handled: string[] = [];
  readonly #instances: Instance[] = [];
  /** Something happened that lets events be handled twice. */
  #mayRepeat = false;
  #isWell = false;

  constructor(seed: number, mutant: Mutant | undefined) {
    this.#clock = new SimulatedClock({ seed });
    this.#log = openMemoryStore({ now: () => this.#clock.now() });
    this.#mutant = mutant;
    this.#failing = this.#clock.random() < 0.5 ? 0 : 0.3;
  }

  async run(): Promise<void> {
    for (let i = 0; i < 2; i += 1) await this.#start();
    // A quarter of the runs has no faults: then nothing is handled twice.
    const isCalm = this.#clock.random() < 0.25;
    for (let step = 0; step < steps; step += 1) {
      await this.#append();
      if (!isCalm) await this.#happen();
      await this.#clock.advance(this.#between(0, 8_000));
    }
    this.#isWell = true;
    for (const { store, isGone } of this.#instances) if (!isGone) store.break();
    const control = { who: 'seed', why: 'the end' };
    await requestControl(this.#log, place.consumer, { kind: 'resume', ...control });
    await this.#clock.advance(90_000);
    await requestControl(this.#log, place.consumer, { kind: 'retry', ...control });
    await this.#clock.advance(30_000);
  }

  /** What is not as it must be. */
  async problems(): Promise<readonly string[]> {
    const found: string[] = [];
    const events = await Array.fromAsync(this.#log.readStream(placed));
    const first = new Map<string, number>();
    this.#handled.forEach((each, index) => first.has(each) || first.set(each, index));
    const lost = events.filter((event) => !first.has(placeOf(event))).map(placeOf);
    if (lost.length > 0) found.push(`not handled: ${lost.join()}`);
    for (const event of events) {
      const before =
        event.revision === 0n
          ? -1
          : (first.get(placeOf({ ...event, revision: (event.revision - 1n) as never })) ?? Infinity);
      if ((first.get(placeOf(event)) ?? Infinity) < before)
        found.push(`${placeOf(event)} was handled before its forerunner`);
    }
    if (!this.#mayRepeat && this.#handled.length > first.size)
      found.push('an event was handled twice without a reason');
    const checkpoint = await readCheckpoint(this.#log, place);
    if (checkpoint?.pos !== BigInt(events.length - 1))
      found.push(`the checkpoint is ${checkpoint?.pos} of ${events.length}`);
    if ((await readParked(this.#log, place.consumer)).size > 0) found.push('something is parked still');
    const history = (await Array.fromAsync(checkpointHistory(this.#log, place))).toReversed();
    history.forEach((each, i) => {
      const previous = history[i - 1];
      if (previous === undefined) return;
      if ((each.token ?? 0) < (previous.token ?? 0)) found.push(`a stale instance wrote a checkpoint (${i})`);
      if (each.pos < previous.pos && each.who === undefined) found.push(`the checkpoint went back by itself (${i})`);
    });
    for (const { run } of this.#instances) {
      const stopping = run[Symbol.asyncDispose]();
      await this.#clock.advance(60_000);
      await stopping;
    }
    return found;
  }

  async #start(): Promise<void> {
    const store = breakable(this.#mutant === 'no-fence' ? withoutFence(this.#log) : this.#log);
    const number = this.#instances.length;
    const host = {
      name: `host-${number}`,
      holder: `holder-${number}`,
      // The mutant does not wait until a lease has run out.
      isGone: () => this.#mutant === 'impatient',
    };
    const instance = { store, isGone: false };
    const consumed = this.#consumer(instance);
    const run = await runConsumer(store.store, consumed, { clock: this.#clock, host, stopMs: 1_000 });
    this.#instances.push(Object.assign(instance, { run }));
    await this.#clock.settle();
  }

  #consumer(instance: { isGone: boolean }): Consumer {
    const handle = async (event: RecordedEvent): Promise<void> => {
      const isSlow = this.#clock.random() < 0.3;
      if (isSlow) await this.#clock.sleep(this.#clock.random() * 500);
      if (instance.isGone) await new Promise(() => {});
      const isPoison = event.stream === 'Customer-poison' && !this.#isWell;
      if (isPoison || this.#clock.random() < (this.#isWell ? 0 : this.#failing)) throw new Error('It fails.');
      this.#handled.push(placeOf(event));
    };
    const right = consumer(place.consumer, {
      from: placed,
      startAt: 'beginning',
      concurrency: 3,
      retry: { attempts: 4, then: 'park-stream' },
      handle,
    });
    return this.#mutated(right);
  }

  #mutated(right: Consumer): Consumer {
    if (this.#mutant === 'swallow') {
      return {
        ...right,
        handle: async (events, contexts) => {
          await right.handle(events, contexts).catch((error: unknown) => {
            if (contexts[0].attempt < 3) throw error;
          });
        },
      };
    }
    if (this.#mutant !== 'checkpoint-first') return right;
    const later = async (...words: Parameters<Consumer['handle']>): Promise<void> => {
      await this.#clock.sleep(500);
      await right.handle(...words);
    };
    return { ...right, handle: async (...words) => void later(...words).catch(() => {}) };
  }

  async #append(): Promise<void> {
    const count = this.#between(0, 3);
    for (let i = 0; i < count; i += 1) {
      const customer = this.#clock.random() < 0.1 ? 'poison' : this.#between(1, 4);
      const event = jsonEvent({ type: 'OrderPlaced', data: {} });
      await this.#log.append(streamName(`Customer-${customer}`), [event], { expected: 'any' });
    }
  }

  async #happen(): Promise<void> {
    const instance = this.#instances[this.#between(0, this.#instances.length - 1)];
    const chance = this.#clock.random();
    const reason = { who: 'seed', why: 'chance' };
    if (instance === undefined || chance < 0.4) return;
    if (chance < 0.48) {
      this.#mayRepeat = true;
      instance.store.break(new StoreUnavailable(instance.isGone ? 'gone' : 'cut off'));
    } else if (chance < 0.55) {
      this.#mayRepeat = true;
      if (!instance.isGone) instance.store.sleep();
    } else if (chance < 0.7) {
      if (!instance.isGone) instance.store.break();
    } else if (chance < 0.78) {
      this.#mayRepeat = true;
      instance.isGone = true;
      instance.store.break(new StoreUnavailable('gone'));
      await this.#start();
    } else if (chance < 0.84) {
      const until = new Date(this.#clock.now() + this.#between(1_000, 60_000));
      await requestControl(this.#log, place.consumer, { kind: 'pause', until, ...reason });
    } else if (chance < 0.9) {
      await requestControl(this.#log, place.consumer, { kind: 'retry', ...reason });
    } else if (chance < 0.95) {
      this.#clock.jump(this.#between(-3_600_000, 3_600_000));
    } else {
      this.#mayRepeat = true;
      const { pos = -1n } = (await readCheckpoint(this.#log, place)) ?? {};
      const to = BigInt(this.#between(-1, Number(pos)));
      await setCheckpoint(this.#log, place, { to, ...reason });
    }
  }

  #between(low: number, high: number): number {
    return low + Math.floor(this.#clock.random() * (high - low + 1));
  }
}

/** A store that takes checkpoints from everybody. */
function withoutFence(store: EventStore): EventStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (name !== 'append') return member.bind(target);
      return (...[stream, events, options]: Parameters<EventStore['append']>) =>
        target.append(stream, events, stream.endsWith('_checkpoints') ? { expected: 'any' } : options);
    },
  });
}
