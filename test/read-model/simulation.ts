import { jsonEvent, StoreUnavailable, streamName, type RecordedEvent } from 'daybook';
import { requestControl, watchConsumers, type Clock, type ConsumerWatch } from 'daybook/consumer';
import { rebuildReadModel, runReadModel, type ReadModelRun } from 'daybook/read-model';
import { SimulatedClock } from 'daybook/testing';

import { breakable, type Breakable } from '../consumer/support/world.ts';
import { noFaults, SimulatedDatabase, type Client, type Copy } from './simulated-database.ts';
import { SimulatedLog } from './simulated-log.ts';
import { simulatedModel, type Data, type Tables, type Version } from './simulated-model.ts';
import { operator, Truth, type Expected } from './simulated-truth.ts';

/** Things that are done and happen in one run. */
const steps = 20;
const freshnessMs = 20_000;
/** Events that wait for longer than this without an alert were forgotten: three heartbeats, and two looks of the watch. */
const unnoticedAtMostMs = freshnessMs + 25_000;

/** One process that runs the read model: it can be cut off, asleep, or gone. */
interface Instance {
  readonly holder: string;
  readonly version: Version;
  readonly store: Breakable;
  readonly client: Client<Tables>;
  /** How far its clock on the wall is from the others'. */
  skewMs: number;
  isGone: boolean;
  run: ReadModelRun | undefined;
  /** Why it ended, when it did. */
  failure: unknown;
}

/** What came of a run. */
export interface Simulated {
  /** What is not as it must be. */
  readonly problems: readonly string[];
  /** Who committed what, and when. */
  readonly commits: readonly string[];
}

interface Backup {
  readonly copy: Copy;
  readonly expected: Expected;
}

/**
 * Several instances of a read model on one log and one database, with a seed's worth of what can happen: statements and
 * commits that fail, processes that die, sleep, or are cut off, clocks that jump, copies of the database or of the log
 * that are put back, pauses, code that changes. Whenever something is committed, the tables must be the fold of
 * the log up to the checkpoint.
 */
export async function simulate(seed: number): Promise<Simulated> {
  using simulation = new Simulation(seed);
  return await simulation.run();
}

class Simulation implements Disposable {
  readonly #clock: SimulatedClock;
  readonly #log: SimulatedLog;
  readonly #database: SimulatedDatabase;
  readonly #watch: ConsumerWatch;
  readonly #truth: Truth;
  readonly #instances: Instance[] = [];
  #version: Version = 1;
  #backups: Backup[] = [];
  #logCopy: readonly RecordedEvent[] | undefined;
  /** Before this, nobody could expect that events are projected. */
  #excusedUntilMs = 0;
  #mayFail = false;
  readonly #isCalm: boolean;
  readonly #hasPoison: boolean;

  constructor(seed: number) {
    this.#clock = new SimulatedClock({ seed });
    const random = (): number => this.#clock.random();
    this.#isCalm = random() < 0.2;
    this.#hasPoison = random() < 0.1;
    this.#log = new SimulatedLog(() => this.#clock.now());
    const faults = { statement: random() < 0.5 ? 0.02 : 0, commit: random() < 0.5 ? 0.05 : 0 };
    this.#database = new SimulatedDatabase({ random, faults: () => (this.#mayFail ? faults : noFaults) });
    this.#truth = new Truth(this.#database);
    this.#watch = watchConsumers(this.#log.store, { clock: this.#clock, everyMs: 3_600_000 });
  }

  async run(): Promise<Simulated> {
    for (let i = 0; i < 2; i += 1) await this.#start();
    await this.#clock.advance(5_000);
    this.#mayFail = !this.#isCalm;
    for (let step = 0; step < steps; step += 1) {
      await this.#append();
      if (!this.#isCalm) await this.#happen();
      await this.#advance(this.#between(0, 8_000));
      await this.#operate();
    }
    await this.#recover();
    await this.#checkHarmony();
    for (const instance of this.#instances) await this.#stop(instance);
    await this.#watch[Symbol.asyncDispose]();
    return { problems: [...this.#truth.problems], commits: this.#truth.commits };
  }

  [Symbol.dispose](): void {
    this.#database[Symbol.dispose]();
  }

  async #start(): Promise<void> {
    const clock = this.#clock;
    const number = this.#instances.length;
    const instance: Instance = {
      holder: `holder-${number}`,
      version: this.#version,
      store: breakable(this.#log.store),
      client: this.#database.connect<Tables>(() => this.#truth.committed(instance.holder, instance.version)),
      skewMs: 0,
      isGone: false,
      run: undefined,
      failure: undefined,
    };
    this.#instances.push(instance);
    const wall: Clock = {
      now: () => clock.now() + instance.skewMs,
      monotonicMs: () => clock.monotonicMs(),
      sleep: (ms, signal) => clock.sleep(ms, signal),
      random: () => clock.random(),
    };
    const model = simulatedModel(instance.version, (data) => this.#handle(data));
    const starting = runReadModel(instance.store.store, model, {
      db: instance.client.db,
      batchSize: 4,
      clock: wall,
      host: { name: `host-${number}`, holder: instance.holder, isGone: () => false },
      pollMs: 5_000,
      leaseMs: 15_000,
      heartbeatMs: 5_000,
      freshnessMs,
    });
    const failed = (error: unknown): void => {
      instance.failure = error;
    };
    const follow = async (): Promise<void> => {
      instance.run = await starting;
      await instance.run.finished;
    };
    follow().catch(failed);
    await clock.settle();
  }

  #handle({ amount }: Data): void {
    if (amount === poisonAmount && this.#mayFail && this.#hasPoison) throw new Error('It is poison.');
  }

  async #append(): Promise<void> {
    const count = this.#between(0, 4);
    for (let i = 0; i < count; i += 1) {
      const id = String(this.#between(1, 6));
      const chance = this.#clock.random();
      const amount = this.#hasPoison && chance < 0.05 ? poisonAmount : this.#between(1, 99);
      const type = chance < 0.3 ? 'PaymentTaken' : chance < 0.4 ? 'OrderCancelled' : 'OrderPlaced';
      const stream = streamName(type === 'PaymentTaken' ? `Payment-${id}` : `Order-${id}`);
      const event = jsonEvent({ type, data: { id, amount } });
      const { position } = await this.#log.store.append(stream, [event], { expected: 'any' });
      const atMs = this.#clock.monotonicMs();
      this.#truth.appended({ id: event.id, position, type, data: { id, amount }, atMs });
    }
  }

  /** Lets time pass, and looks at whether what waits is known to people. */
  async #advance(ms: number): Promise<void> {
    if (ms > lookEveryMs) {
      await this.#advance(lookEveryMs);
      return this.#advance(ms - lookEveryMs);
    }
    await this.#clock.advance(ms);
    const { firing } = await this.#watch.look();
    const now = this.#clock.monotonicMs();
    const oldest = this.#truth.events.find(({ position }) => position > (this.#truth.expected.at?.position ?? 0n));
    const waitsMs = oldest === undefined ? 0 : now - Math.max(oldest.atMs, this.#excusedUntilMs);
    if (waitsMs > unnoticedAtMostMs && firing.length === 0)
      this.#truth.problems.add('it was behind, and nobody was told');
    if (this.#isCalm && firing.length > 0) this.#truth.problems.add(`a false alarm: ${firing[0]?.summary}`);
  }

  async #happen(): Promise<void> {
    const instance = this.#instances[this.#between(0, this.#instances.length - 1)];
    const chance = this.#clock.random();
    if (instance === undefined || chance < 0.25) return;
    if (chance < 0.6) return this.#trouble(instance, chance);
    if (chance < 0.66) return this.#pause();
    if (chance < 0.69) return this.#control({ kind: 'resume', who: 'seed', why: 'chance' });
    if (chance < 0.8) this.#backups.push({ copy: this.#database.copy(), expected: this.#truth.expected });
    else if (chance < 0.9) this.#restoreDatabase();
    else if (chance < 0.94) this.#logCopy = await this.#log.copy();
    else if (chance < 0.97) await this.#restoreLog();
    else this.#version = 2;
  }

  async #trouble(instance: Instance, chance: number): Promise<void> {
    const outage = instance.isGone ? gone() : new StoreUnavailable('It is cut off.');
    if (chance < 0.32) instance.store.break(outage);
    else if (chance < 0.38) instance.client.break(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
    else if (chance < 0.45) this.#sleep(instance);
    else if (chance < 0.52) this.#mend(instance);
    else if (chance < 0.56) instance.skewMs = this.#between(-3_600_000, 3_600_000);
    else {
      await this.#stop(instance);
      await this.#start();
    }
  }

  #sleep(instance: Instance): void {
    if (instance.isGone) return;
    instance.store.sleep();
    instance.client.sleep();
  }

  #mend(instance: Instance): void {
    if (instance.isGone) return;
    instance.store.break();
    instance.client.break();
  }

  /** Its process is killed: nothing that it began goes on. */
  async #stop(instance: Instance): Promise<void> {
    instance.isGone = true;
    instance.store.break(gone());
    instance.client.break(gone());
    await this.#clock.settle();
    if (instance.run === undefined) return;
    const stopping = instance.run[Symbol.asyncDispose]();
    await this.#clock.settle();
    await stopping;
  }

  async #pause(): Promise<void> {
    const ms = this.#between(1_000, 40_000);
    const until = new Date(this.#clock.now() + ms);
    this.#excuse(ms);
    // A clock that is an hour behind pauses for an hour longer.
    for (const { skewMs } of this.#instances) this.#excuse(ms - skewMs);
    await this.#control({ kind: 'pause', until, who: 'seed', why: 'chance' });
  }

  async #control(request: Parameters<typeof requestControl>[2]): Promise<void> {
    await requestControl(this.#log.store, 'orders', request);
  }

  #excuse(ms: number): void {
    this.#excusedUntilMs = Math.max(this.#excusedUntilMs, this.#clock.monotonicMs() + ms);
  }

  #restoreDatabase(): void {
    const backup = this.#backups[this.#between(0, this.#backups.length - 1)];
    if (backup === undefined) return;
    this.#database.restore(backup.copy);
    this.#truth.databaseRestored(backup.expected);
    this.#excuse(0);
  }

  async #restoreLog(): Promise<void> {
    const copy = this.#logCopy;
    if (copy === undefined) return;
    await this.#log.restore(copy);
    this.#truth.logRestored(new Set(copy.map(({ id }) => id)));
    this.#excuse(0);
  }

  /** What people do: start what has ended, and rebuild what does not fit its log any more. */
  async #operate(): Promise<void> {
    for (const instance of this.#instances.filter(({ failure, isGone }) => failure !== undefined && !isGone)) {
      const { failure } = instance;
      await this.#stop(instance);
      if (failure instanceof Error && Reflect.get(failure, 'code') === 'log-restored') await this.#rebuild();
      await this.#start();
    }
  }

  async #rebuild(): Promise<void> {
    const version = this.#version;
    const mayFail = this.#mayFail;
    this.#mayFail = false;
    const { db } = this.#database.connect<Tables>(() => this.#truth.committed(operator, version));
    const reason = { who: 'seed', why: 'it does not fit' };
    const model = simulatedModel(version, () => {});
    await rebuildReadModel(this.#log.store, model, { db, reason, now: () => this.#clock.now() }).result();
    this.#mayFail = mayFail;
    await this.#clock.advance(1); // No two rebuilds are of the same millisecond.
  }

  /** Everything is well again, and everybody runs the newest code. */
  async #recover(): Promise<void> {
    this.#mayFail = false;
    for (const instance of this.#instances) {
      if (instance.version !== this.#version && !instance.isGone) await this.#stop(instance);
      else this.#mend(instance);
      instance.skewMs = 0;
    }
    if (this.#instances.every(({ isGone }) => isGone)) await this.#start();
    await this.#control({ kind: 'resume', who: 'seed', why: 'the end' });
    for (let i = 0; i < 10 && !this.#isThere(); i += 1) {
      await this.#operate();
      await this.#clock.advance(10_000);
    }
    if (this.#version === 2) await this.#rebuild();
    await this.#clock.advance(15_000);
  }

  #isThere(): boolean {
    const isLive = this.#instances.some(({ run, isGone }) => !isGone && run?.status().state === 'live');
    return isLive && this.#truth.expected.at?.id === this.#truth.events.at(-1)?.id;
  }

  async #checkHarmony(): Promise<void> {
    const { at, fold } = this.#truth.expected;
    const last = this.#truth.events.at(-1);
    if (at?.id !== last?.id) this.#truth.problems.add(`it stands at ${at?.position} of ${last?.position}`);
    const whole = this.#truth.folded(Number(last?.position ?? 0), this.#version);
    if (fold.text() !== whole.fold.text()) this.#truth.problems.add('the tables are not the fold of the log');
    const states = this.#instances.flatMap(({ run, isGone }) => (isGone ? [] : [run?.status()]));
    if (states.filter((status) => status?.state === 'live').length !== 1) {
      this.#truth.problems.add(`in the end they are ${states.map((status) => status?.state).join()}`);
    }
    if (states.some((status) => status?.state === 'live' && status.needsRebuild))
      this.#truth.problems.add('it is of old code');
    const { firing } = await this.#watch.look();
    for (const { rule, summary } of firing) this.#truth.problems.add(`an alert goes on: ${rule}: ${summary}`);
  }

  #between(low: number, high: number): number {
    return low + Math.floor(this.#clock.random() * (high - low + 1));
  }
}

/** The watch looks so often. */
const lookEveryMs = 5_000;
const poisonAmount = 666;

function gone(): Error {
  return new StoreUnavailable('Its process is gone.');
}
