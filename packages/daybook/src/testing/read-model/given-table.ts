import { AssertionError } from 'node:assert';
import { inspect } from 'node:util';

import { memoryDatabase, runReadModel, type ReadModel } from '../../read-model/index.ts';
import { logOf, type GivenEvent } from './sample.ts';
import { firstDifference, rowsOf, sorted, type TableRow, type TestDatabase } from './table-rows.ts';

/** What a test of a read model begins with. */
export interface GivenTable {
  /**
   * Projects the events, and compares all rows of these tables, in whatever order. (Await what it gives, not this.)
   *
   * @throws AssertionError that shows the first row that is another.
   */
  then(tables: Readonly<Record<string, readonly TableRow[]>>): Promise<void>;
}

/** How a test of a read model is run. */
export interface GivenTableOptions {
  /** An empty database. Default: SQLite in memory. */
  readonly db?: TestDatabase;
}

/**
 * A test of a read model: given these events, its tables are these.
 *
 *     await givenTable(shipments, [shipped]).then({ shipments: [{ order_id: '1', carrier: 'fedex' }] });
 */
export function givenTable(
  model: ReadModel,
  events: readonly GivenEvent[],
  options: GivenTableOptions = {},
): GivenTable {
  return { then: (tables) => compare(model, events, { tables, db: options.db }) }; // oxlint-disable-line unicorn/no-thenable -- As `given` does.
}

async function compare(
  model: ReadModel,
  events: readonly GivenEvent[],
  {
    tables,
    db,
  }: { readonly tables: Readonly<Record<string, readonly TableRow[]>>; readonly db: TestDatabase | undefined },
): Promise<void> {
  const { store, end } = await logOf(events);
  const own = db ?? memoryDatabase<never>();
  try {
    await using run = await runReadModel(store, model, { db: own, retry: { attempts: 1 } });
    await run.reached(end, { timeoutMs: 60_000 });
    const actual = await rowsOf(own, model);
    const expected = new Map(Object.entries(tables).map(([table, rows]) => [table, sorted(model, table, rows)]));
    const difference = firstDifference(model, expected, actual);
    if (difference === undefined) return;
    throw new AssertionError({
      message: `The table ${difference.table} holds ${inspect(difference.actual)}; expected was ${inspect(difference.expected)}.`,
      actual: difference.actual,
      expected: difference.expected,
      operator: 'givenTable',
    });
  } finally {
    await store[Symbol.asyncDispose]();
    if (db === undefined) await own.destroy();
  }
}
