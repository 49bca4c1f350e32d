import { memoryDatabase, runReadModel, type ReadModel } from '../../read-model/index.ts';
import type { Position } from '../../store/position.ts';
import { logOf, type AppendedEvent, type GivenEvent } from './sample.ts';
import { keyTextOf, positionedRowsOf, sorted, type TableRow, type TestDatabase } from './table-rows.ts';

/** How events are put into empty tables. */
export interface PlayOptions {
  readonly events: readonly (GivenEvent | AppendedEvent)[];
  readonly db?: (() => TestDatabase | Promise<TestDatabase>) | undefined;
  /** Default: 500. */
  readonly batchSize?: number | undefined;
  /** The statement of a handler at which the run ends as in a crash, from 1; another run goes on. Default: none. */
  readonly failAt?: number | undefined;
  /** How often each event is given to its handler. Default: 1. */
  readonly times?: number | undefined;
}

/** What became of the tables. */
export interface Played {
  /** The rows of each table, in the order of their keys, without where they were written last. */
  readonly tables: ReadonlyMap<string, readonly TableRow[]>;
  /** By table and key: which of the events wrote the row last. */
  readonly writers: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** How many statements the handlers ran. */
  readonly statements: number;
}

/** Projects events into an empty database, and gives the rows. */
export async function play(model: ReadModel, options: PlayOptions): Promise<Played> {
  const { events, batchSize = 500, failAt, times = 1 } = options;
  const { store, positions, end } = await logOf(events);
  const db = (await options.db?.()) ?? memoryDatabase<never>();
  try {
    await prepare(model, db);
    const statements = new Statements(failAt);
    const retry = { attempts: failAt === undefined ? 3 : 1, firstDelayMs: 1, longestDelayMs: 1 };
    const live = async (): Promise<void> => {
      await using run = await runReadModel(store, repeated(model, times), { db: statements.in(db), batchSize, retry });
      await run.reached(end, { timeoutMs: 60_000 });
    };
    await live().catch(async (error: unknown) => {
      if (!statements.hasFailed) throw error;
      await live();
    });
    return { ...(await readBack(db, model, { positions })), statements: statements.count };
  } finally {
    await store[Symbol.asyncDispose]();
    await db.destroy();
  }
}

/** Makes the tables from an empty log, so that only handlers fail later. */
async function prepare(model: ReadModel, db: TestDatabase): Promise<void> {
  const { store, end } = await logOf([]);
  await using run = await runReadModel(store, model, { db });
  await run.reached(end);
  await store[Symbol.asyncDispose]();
}

/** The same read model, whose handlers get each event so often. */
function repeated(model: ReadModel, times: number): ReadModel {
  if (times === 1) return model;
  const on = Object.fromEntries(
    Object.entries(model.on).map(([type, handler]): [string, ReadModel['on'][string]] => [
      type,
      async (event, tx) => {
        for (let time = 1; time <= times; time++) await handler?.(event, tx);
      },
    ]),
  );
  return { ...model, on };
}

async function readBack(
  db: TestDatabase,
  model: ReadModel,
  { positions }: { readonly positions: readonly Position[] },
): Promise<Omit<Played, 'statements'>> {
  const tables = new Map<string, readonly TableRow[]>();
  const writers = new Map<string, ReadonlyMap<string, number>>();
  for (const [table, rows] of await positionedRowsOf(db, model)) {
    const indexes = rows.map((row): [string, number] => [
      keyTextOf(model, table, row),
      positions.findIndex((position) => String(position) === String(row['_position'])),
    ]);
    writers.set(table, new Map(indexes));
    const plain = rows.map(({ _position, ...row }) => row);
    tables.set(table, sorted(model, table, plain));
  }
  return { tables, writers };
}

/** Counts the statements of handlers, and lets one of them fail, once. */
class Statements {
  readonly #failAt: number | undefined;
  count = 0;
  hasFailed = false;

  constructor(failAt: number | undefined) {
    this.#failAt = failAt;
  }

  in(db: TestDatabase): TestDatabase {
    return db.withPlugin({
      transformQuery: ({ node }) => {
        this.count += 1;
        if (this.count !== this.#failAt) return node;
        this.hasFailed = true;
        throw new Error('This statement was made to fail.');
      },
      transformResult: async ({ result }) => result,
    });
  }
}
