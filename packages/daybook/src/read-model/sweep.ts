import type { Copy } from './copy.ts';
import { tableName } from './naming.ts';
import type { ReadModel } from './read-model.ts';
import { countRows, type Row, type Rows } from './rows.ts';

/** Where a walk through all rows goes on. */
export interface SweepPlace {
  /** Rounds that it has taken so far. */
  readonly round: number;
  readonly table: string;
  /** The key of the last row that was compared. Absent: none of this table. */
  readonly after: Row | undefined;
}

/** How many rows there are, and how many of them a walk has not come to. */
export interface RowCounts {
  readonly rows: number;
  readonly remaining: number;
}

/** The place before the first row. */
export function firstPlace(model: ReadModel): SweepPlace {
  return { round: 0, table: Object.keys(model.tables)[0] ?? '', after: undefined };
}

/** The place before the first row of the next table, or `undefined` behind the last. */
export function nextTable(model: ReadModel, place: SweepPlace): SweepPlace | undefined {
  const tables = Object.keys(model.tables);
  const table = tables[tables.indexOf(place.table) + 1];
  return table === undefined ? undefined : { ...place, table, after: undefined };
}

/** Counts the rows of a copy, and those behind a place. */
export async function countAround(db: Rows, model: ReadModel, copy: Copy, place: SweepPlace): Promise<RowCounts> {
  let rows = 0;
  let remaining = 0;
  let isBehind = false;
  for (const [table, shape] of Object.entries(model.tables)) {
    const name = tableName(table, copy.naming);
    const count = await countRows(db, name, shape);
    rows += count;
    if (table === place.table) {
      isBehind = true;
      remaining += place.after === undefined ? count : await countRows(db, name, shape, { after: place.after });
    } else if (isBehind) {
      remaining += count;
    }
  }
  return { rows, remaining };
}

/**
 * How many rows the round at a place compares, so that the walk ends within `rounds`, however many rows come meanwhile.
 * The last round takes all that are left.
 */
export function rowsOfRound({ round }: SweepPlace, { remaining }: RowCounts, rounds: number): number {
  const roundsLeft = rounds - round;
  return roundsLeft <= 1 ? Infinity : Math.ceil(remaining / roundsLeft);
}

/** A place from what was kept of it. `undefined` when it is none of this model. */
export function placeIn(model: ReadModel, value: unknown): SweepPlace | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { round, table, after } = value as Readonly<Record<string, unknown>>;
  if (typeof round !== 'number' || !Number.isSafeInteger(round) || round < 0) return undefined;
  if (typeof table !== 'string' || !Object.hasOwn(model.tables, table)) return undefined;
  if (after === undefined) return { round, table, after };
  if (typeof after !== 'object' || after === null) return undefined;
  const key = model.tables[table]?.key ?? [];
  if (!key.every((column) => Object.hasOwn(after, column))) return undefined;
  return { round, table, after: { ...after } };
}
