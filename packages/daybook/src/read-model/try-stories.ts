import type { ControlledTransaction, Kysely } from 'kysely';

import { systemClock as clock } from '../consumer/clock.ts';
import type { Drift } from './drift.ts';
import { Overtaken } from './line.ts';
import { ModelPlugin } from './model-plugin.ts';
import { tableName, type Naming } from './naming.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';
import { keyText, rowsWithKeys, rowText, type Row } from './rows.ts';
import { Foresight, handleAhead } from './run-ahead.ts';
import type { HistoryStep } from './trace.ts';
import { Watchdog } from './watchdog.ts';

/** A row that something went wrong with, and the events that should have made it. */
export interface Attempt {
  readonly model: ReadModel;
  readonly stages: Stages;
  readonly table: string;
  readonly live: Row;
  readonly history: readonly HistoryStep[];
}

/** The last events of a row that are left out or doubled one at a time. */
const singlesAtMost = 64;
/** The last events of a row of which every run is left out or doubled. */
const runsAtMost = 12;

/**
 * Folds the row's own events again with some of them left out, or doubled, until the row is the one that is there. The
 * shortest such story is the likeliest. `undefined` when there is none.
 */
export async function tryStories(attempt: Attempt): Promise<Pick<Drift, 'class' | 'since'> | undefined> {
  const { history, stages } = attempt;
  const stage = new Stage(await stages.current(), attempt, stages);
  // The row must follow from its own events alone, or leaving some of them out says nothing.
  return (await stage.follows(startOf(history))) ? search(stage, attempt) : undefined;
}

/** For so long one transaction is used: on SQLite others wait for it. */
const stageMs = 200;

/** Tables of one's own in a transaction that is never committed, made anew after a while. */
export class Stages implements AsyncDisposable {
  readonly naming: Naming = { suffix: `__try_${crypto.randomUUID().slice(0, 8)}` };
  readonly foresight: Foresight = new Foresight();
  readonly #db: Kysely<UntypedTables>;
  readonly #model: ReadModel;
  #tx: ControlledTransaction<UntypedTables> | undefined;
  #endsAt = 0;

  constructor(db: Kysely<UntypedTables>, model: ReadModel) {
    this.#db = db;
    this.#model = model;
  }

  async current(): Promise<ControlledTransaction<UntypedTables>> {
    if (this.#tx !== undefined && performance.now() < this.#endsAt) return this.#tx;
    await this[Symbol.asyncDispose]();
    this.#tx = await this.#db.startTransaction().execute();
    await this.#model.migrate(this.#tx.withPlugin(ModelPlugin.forMigration(this.#model, this.naming)));
    this.#endsAt = performance.now() + stageMs;
    return this.#tx;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tx?.rollback().execute(); // Nothing of this stays.
    this.#tx = undefined;
  }
}

async function search(stage: Stage, { history, live }: Attempt): Promise<Pick<Drift, 'class' | 'since'> | undefined> {
  const wanted = rowText(live);
  const starts = new Map<number, number>();
  for (const { from, to } of runs(history.length)) {
    const since = history[from]?.event;
    // What comes before it need not be played, unless handlers look at what else that has written.
    const start = starts.get(from) ?? ((await stage.follows(from)) ? from : startOf(history));
    starts.set(from, start);
    const before = history.slice(start, from);
    const run = history.slice(from, to);
    const after = history.slice(to);
    const without = await stage.play(start, [...before, ...after]);
    if (without !== undefined && rowText(without) === wanted) return { class: 'missing-events', since };
    const twice = await stage.play(start, [...before, ...run, ...run, ...after]);
    if (twice !== undefined && rowText(twice) === wanted) return { class: 'applied-twice', since };
  }
  return undefined;
}

/** The runs of events to try, the shortest first, and among these the latest first. */
function* runs(events: number): Generator<{ readonly from: number; readonly to: number }> {
  for (let length = 1; length <= Math.min(events, runsAtMost); length++) {
    const first = Math.max(0, events - (length === 1 ? singlesAtMost : runsAtMost));
    for (let from = events - length; from >= first; from--) yield { from, to: from + length };
  }
}

/** Where playing begins: the row as it was there is put down first. */
function startOf(history: readonly HistoryStep[]): number {
  return Math.max(0, history.length - singlesAtMost);
}

/** Tables of their own in which a row's events are played, again and again. */
class Stage {
  readonly #tx: ControlledTransaction<UntypedTables>;
  readonly #attempt: Attempt;
  readonly #naming: Naming;
  readonly #foresight: Foresight;

  constructor(tx: ControlledTransaction<UntypedTables>, attempt: Attempt, { naming, foresight }: Stages) {
    this.#tx = tx;
    this.#attempt = attempt;
    this.#naming = naming;
    this.#foresight = foresight;
  }

  /** Whether the row that the whole history makes follows from what it was before the step `start`, and its events since. */
  async follows(start: number): Promise<boolean> {
    const { history } = this.#attempt;
    const whole = history.at(-1)?.row;
    const row = await this.play(start, history.slice(start));
    return row !== undefined && whole !== undefined && rowText(row) === rowText(whole);
  }

  /** The row that these steps make, beginning from what it was before the step `start`. `undefined` when they fail. */
  async play(start: number, steps: readonly HistoryStep[]): Promise<Row | undefined> {
    const { model, table, history, live } = this.#attempt;
    const shape = model.tables[table] ?? { key: [] };
    const name = tableName(table, this.#naming);
    const empty = await this.#tx.savepoint('empty').execute();
    try {
      const seed = history[start - 1]?.row;
      if (seed !== undefined) await empty.withoutPlugins().insertInto(name).values(seed).execute();
      const events = steps.map(({ decoded: event }) => ({ event }));
      const watchdog = new Watchdog(model, clock);
      await handleAhead(empty, events, { model, naming: this.#naming, clock, foresight: this.#foresight, watchdog });
      const rows = await rowsWithKeys(empty, name, shape, [live]);
      return rows.find((row) => keyText(row, shape) === keyText(live, shape));
    } catch (error) {
      // A handler that refuses these events, such as one that inserts twice: so it was not this.
      if (!(error instanceof Overtaken)) return undefined;
    } finally {
      await empty.rollbackToSavepoint('empty').execute();
    }
    return this.play(start, steps); // It is waited for what is foreseen no more.
  }
}
