import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { Consumer } from 'daybook/consumer';
import type { ReadModel } from 'daybook/read-model';
import { openSqliteStore, type SqliteStore } from 'daybook/sqlite';
import type { AppendedEvent } from 'daybook/testing/read-model';

import type { ConfiguredModel, ModelDatabase } from '../config/config.ts';
import { PlayedProcess } from './child-process.ts';
import { emptied } from './database.ts';
import type { Deeds } from './deeds.ts';
import { appendEvents } from './events.ts';
import { pace, type Fault, type Plan, type Rehearsal } from './plan.ts';

/** What all scenarios of a game day are played with. */
export interface GroundOptions {
  /** A temporary folder. */
  readonly folder: string;
  readonly config: string;
  readonly events: readonly AppendedEvent[];
  readonly signal: AbortSignal;
}

/** How much there is to do, without a fault. */
export interface Size {
  readonly handled: number;
  readonly statements: number;
}

/** A place for one scenario: a copy of the log, and what belongs to whoever is played. */
class Ground implements AsyncDisposable {
  readonly #plan: Omit<Plan, 'fault'>;
  readonly #processes: PlayedProcess[] = [];
  readonly #folder: string;
  readonly events: readonly AppendedEvent[];
  readonly signal: AbortSignal;
  readonly #stop: () => void;

  constructor(plan: Omit<Plan, 'fault'>, { folder, events, signal }: GroundOptions) {
    this.#plan = plan;
    this.#folder = folder;
    this.events = events;
    this.signal = signal;
    this.#stop = () => this.#processes.forEach((each) => each.kill('SIGKILL'));
    signal.addEventListener('abort', this.#stop, { once: true });
  }

  get name(): string {
    return this.#plan.name;
  }

  get plan(): Omit<Plan, 'fault'> {
    return this.#plan;
  }

  /** The copy of the log. */
  get log(): string {
    return this.#plan.log;
  }

  /** Opens the copy of the log, or the one at a path. */
  openLog(path: string = this.log): Promise<SqliteStore> {
    return openSqliteStore(path);
  }

  /** Puts these events into the copy of the log, behind those that are there. */
  async fill(events: readonly AppendedEvent[] = this.events): Promise<void> {
    await using store = await this.openLog();
    await appendEvents(store, events);
  }

  get #half(): number {
    return Math.ceil(this.events.length / 2);
  }

  /** The events of the first half of the log. */
  get before(): readonly AppendedEvent[] {
    return this.events.slice(0, this.#half);
  }

  /** And those of the second. */
  get later(): readonly AppendedEvent[] {
    return this.events.slice(this.#half);
  }

  /** Starts whoever is played, in a process of its own. */
  start(fault: Fault, changes: Partial<Plan> = {}, env: Readonly<Record<string, string>> = {}): PlayedProcess {
    return this.#begin(new PlayedProcess({ ...this.#plan, ...changes, fault }, env));
  }

  /** Starts a rehearsal, in a process of its own. */
  rehearse(rehearsal: Rehearsal): PlayedProcess {
    return this.#begin(new PlayedProcess(rehearsal));
  }

  #begin(started: PlayedProcess): PlayedProcess {
    this.#processes.push(started);
    if (this.signal.aborted) started.kill('SIGKILL');
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal.removeEventListener('abort', this.#stop);
    for (const each of this.#processes) await each[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A place for a scenario of a read model. */
export class ModelGround extends Ground {
  readonly #configured: ConfiguredModel;

  readonly size: Size;

  constructor(
    plan: Omit<Plan, 'fault'>,
    options: GroundOptions,
    { configured, size }: { readonly configured: ConfiguredModel; readonly size: Size },
  ) {
    super(plan, options);
    this.#configured = configured;
    this.size = size;
  }

  get model(): ReadModel {
    return this.#configured.model;
  }

  /** The tables of this scenario, for as long as `use` takes. */
  async withTables<Result>(use: (db: ModelDatabase) => Promise<Result>): Promise<Result> {
    const db = await this.#open();
    try {
      return await use(db);
    } finally {
      await db.destroy();
    }
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    if (this.#configured.scratch !== undefined) await this.withTables(emptied);
    await super[Symbol.asyncDispose]();
  }

  async #open(): Promise<ModelDatabase> {
    const { scratch } = this.#configured;
    if (scratch !== undefined) return scratch();
    const { sqliteDatabase } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
    return sqliteDatabase<never>(this.plan.tables);
  }
}

/** A place for a scenario of a consumer. */
export class ConsumerGround extends Ground {
  readonly consumer: Consumer;
  readonly size: Size;
  /** What it did without a fault. */
  readonly baseline: Deeds;

  constructor(
    plan: Omit<Plan, 'fault'>,
    options: GroundOptions,
    { consumer, size, baseline }: { readonly consumer: Consumer; readonly size: Size; readonly baseline: Deeds },
  ) {
    super(plan, options);
    this.consumer = consumer;
    this.size = size;
    this.baseline = baseline;
  }
}

/** What a ground begins with, in a new folder below the one of the game day. */
export async function planFor(
  { folder, config }: GroundOptions,
  who: Pick<Plan, 'kind' | 'name' | 'effects'>,
): Promise<{ readonly folder: string; readonly plan: Omit<Plan, 'fault'> }> {
  await mkdir(folder, { recursive: true });
  const own = await mkdtemp(join(folder, 'scenario-'));
  return {
    folder: own,
    plan: {
      ...who,
      config,
      log: join(own, 'log.db'),
      tables: join(own, 'tables.db'),
      deliveries: join(own, 'deliveries.ndjson'),
      leaseMs: pace.leaseMs,
      heartbeatMs: pace.heartbeatMs,
    },
  };
}
