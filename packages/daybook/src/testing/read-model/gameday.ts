import { inspect } from 'node:util';

import { memoryDatabase, runReadModel, type ReadModel } from '../../read-model/index.ts';
import type { EventStore } from '../../store/event-store.ts';
import type { Position } from '../../store/position.ts';
import { logOf, type GivenEvent } from './sample.ts';
import { firstDifference, rowsOf, type TableRow, type TestDatabase } from './table-rows.ts';

/** What is done to a read model. */
export type GamedayScenario =
  /** The same events once more, into empty tables. */
  | 'again'
  /** The same events one at a time, and all in one transaction. */
  | 'other-batches'
  /** A statement fails, once: each of them in turn. The event is tried again. */
  | 'fail-at-statement'
  /** The events of different streams in another order. Those of one stream keep theirs. */
  | 'other-order';

/** A way in which a read model does not hold. */
export interface GamedayFinding {
  readonly scenario: GamedayScenario;
  /** What happened, and what it is likely to mean. */
  readonly message: string;
}

/** What a game day is played with. */
export interface GamedayOptions {
  /** Events of several streams, with every type that the read model handles. */
  readonly events: readonly GivenEvent[];
  /** Gives an empty database each time. It is destroyed at the end. Default: SQLite in memory. */
  readonly db?: () => TestDatabase | Promise<TestDatabase>;
  /** Statements at which it fails. Default: 50. */
  readonly failuresAtMost?: number;
}

type Tables = ReadonlyMap<string, readonly TableRow[]>;

/**
 * Finds out whether the tables depend on nothing but the events: plays them again, in other batches, with failures, and
 * with the streams mixed in other ways, and compares the rows. A read model without findings can be rebuilt and repaired.
 */
export async function gameday(model: ReadModel, options: GamedayOptions): Promise<readonly GamedayFinding[]> {
  const game = new Game(model, options);
  const expected = await game.play(options.events, { batchSize: 500 });
  return [
    ...(await game.again(expected)),
    ...(await game.otherBatches(expected)),
    ...(await game.failures(expected)),
    ...(await game.otherOrder(expected)),
  ];
}

class Game {
  readonly #model: ReadModel;
  readonly #options: GamedayOptions;

  constructor(model: ReadModel, options: GamedayOptions) {
    this.#model = model;
    this.#options = options;
  }

  async again(expected: Tables): Promise<readonly GamedayFinding[]> {
    const hint = 'a handler depends on more than its event and its tables: the clock, random numbers, a variable';
    return this.#compared('again', expected, { hint, actual: this.play(this.#options.events, { batchSize: 500 }) });
  }

  async otherBatches(expected: Tables): Promise<readonly GamedayFinding[]> {
    const hint = 'a handler keeps something between events outside of its tables';
    return this.#compared('other-batches', expected, {
      hint,
      actual: this.play(this.#options.events, { batchSize: 1 }),
    });
  }

  async failures(expected: Tables): Promise<readonly GamedayFinding[]> {
    const { events, failuresAtMost = 50 } = this.#options;
    const hint = 'a handler swallows an error, writes outside of its transaction, or remembers what was rolled back';
    for (let statement = 1; statement <= failuresAtMost; statement++) {
      const fault = new Fault(statement);
      const actual = this.play(events, { batchSize: 10, fault });
      const found = await this.#compared('fail-at-statement', expected, { hint, actual });
      if (found.length > 0)
        return found.map((each) => ({ ...each, message: `Statement ${statement}: ${each.message}` }));
      if (!fault.hasStruck) return [];
    }
    return [];
  }

  async otherOrder(expected: Tables): Promise<readonly GamedayFinding[]> {
    const hint =
      'a row depends on the order of events of different streams, which another source or a restore may change';
    const byStream = Map.groupBy(this.#options.events, ({ stream }) => stream);
    const oneByOne = [...byStream.values()].toReversed().flat();
    return this.#compared('other-order', expected, { hint, actual: this.play(oneByOne, { batchSize: 500 }) });
  }

  /** Projects events into an empty database, and gives the rows. */
  async play(
    events: readonly GivenEvent[],
    { batchSize, fault }: { readonly batchSize: number; readonly fault?: Fault },
  ): Promise<Tables> {
    const { store, end } = await logOf(events);
    const db = (await this.#options.db?.()) ?? memoryDatabase<never>();
    try {
      await this.#prepare(db);
      await this.#project(store, fault === undefined ? db : fault.in(db), { end, batchSize });
      return await rowsOf(db, this.#model);
    } finally {
      await store[Symbol.asyncDispose]();
      await db.destroy();
    }
  }

  /** Makes the tables from an empty log, so that only handlers fail later. */
  async #prepare(db: TestDatabase): Promise<void> {
    const { store, end } = await logOf([]);
    await using run = await runReadModel(store, this.#model, { db });
    await run.reached(end);
    await store[Symbol.asyncDispose]();
  }

  async #project(
    store: EventStore,
    db: TestDatabase,
    { end, batchSize }: { readonly end: Position; readonly batchSize: number },
  ): Promise<void> {
    const retry = { attempts: 3, firstDelayMs: 1, longestDelayMs: 1 };
    await using run = await runReadModel(store, this.#model, { db, batchSize, retry });
    await run.reached(end, { timeoutMs: 60_000 });
  }

  async #compared(
    scenario: GamedayScenario,
    expected: Tables,
    { hint, actual }: { readonly hint: string; readonly actual: Promise<Tables> },
  ): Promise<readonly GamedayFinding[]> {
    let tables: Tables;
    try {
      tables = await actual;
    } catch (error) {
      const message = error instanceof Error ? error.message : inspect(error);
      return [{ scenario, message: `it failed: ${message}` }];
    }
    const difference = firstDifference(expected, tables);
    if (difference === undefined) return [];
    const { table, expected: row, actual: other } = difference;
    return [{ scenario, message: `${table} holds ${inspect(other)} in place of ${inspect(row)}: ${hint}.` }];
  }
}

/** Lets the nth statement fail, once. */
class Fault {
  #left: number;

  constructor(statement: number) {
    this.#left = statement;
  }

  get hasStruck(): boolean {
    return this.#left <= 0;
  }

  in(db: TestDatabase): TestDatabase {
    return db.withPlugin({
      transformQuery: ({ node }) => {
        this.#left -= 1;
        if (this.#left === 0) throw new Error('This statement was made to fail.');
        return node;
      },
      transformResult: async ({ result }) => result,
    });
  }
}
