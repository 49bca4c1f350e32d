import type { Kysely } from 'kysely';

import type { Position } from '../store/position.ts';
import { follow, differencesOf, snapshot, type Difference } from './compare.ts';
import type { Copy } from './copy.ts';
import { nameOf } from './explain.ts';
import type { Steps } from './job.ts';
import { positionColumn, tableName } from './naming.ts';
import type { ReadModel, TableShape, UntypedTables } from './read-model.ts';
import { beyond, keyColumns, keyText, rowsIn, rowsWithKeys, type Row, type Rows } from './rows.ts';
import { nextTable, type SweepPlace } from './sweep.ts';

/** What is compared with what. */
export interface RoundOptions {
  readonly db: Kysely<UntypedTables>;
  readonly model: ReadModel;
  /** It is folded on to wherever the live tables are. */
  readonly copy: Copy;
  readonly signal: AbortSignal | undefined;
}

/** Rows that are held in memory at once, of each side. */
const pageRows = 1_000;

/** The rows that a part of a round looked at, and those of them that differ. */
export interface Looked {
  readonly names: ReadonlySet<string>;
  readonly differences: readonly Difference[];
}

/** Rows of either side, a page at a time. */
type ReadRows = (db: Rows, table: string) => Promise<readonly Row[]>;

/** Compares the rows with these keys. */
export async function* compareKeys(
  options: RoundOptions,
  { table, keys }: { readonly table: string; readonly keys: readonly Row[] },
): Steps<Looked> {
  const shape = shapeOf(options.model, table);
  const compared = yield* compare(options, table, (db, name) => rowsWithKeys(db, name, shape, keys));
  // A row that neither side has any more was looked at too.
  return { ...compared, names: new Set(keys.map((key) => nameOf(options.model, { table, key }))) };
}

/** Compares the rows that events touched between two positions. */
export async function* compareTouched(
  options: RoundOptions,
  { from, upTo }: { readonly from: Position; readonly upTo: Position },
): AsyncGenerator<Looked, void, undefined> {
  const { db, model, copy, signal } = options;
  for (const [table, shape] of Object.entries(model.tables)) {
    const order = [positionColumn, ...shape.key];
    let last: Row | undefined;
    do {
      signal?.throwIfAborted();
      let query = db.withoutPlugins().selectFrom(tableName(table, copy.naming)).select(order).limit(pageRows);
      query = query.where(positionColumn, '>', from).where(positionColumn, '<=', upTo);
      for (const column of order) query = query.orderBy(column);
      if (last !== undefined) query = query.where(beyond(order, { than: last, way: '>', itself: 'without' }));
      const touched: readonly Row[] = await query.execute();
      if (touched.length > 0) {
        const keys = touched.map((row) => keyColumns(row, shape));
        yield* finished(compareKeys(options, { table, keys }));
      }
      last = touched.length < pageRows ? undefined : touched.at(-1);
    } while (last !== undefined);
  }
}

/** What one part of a walk through all rows has come to. */
export interface Walked extends Looked {
  /** Rows of the log that it passed. */
  readonly rows: number;
  /** Where it goes on. `undefined`: it has come to the end. */
  readonly place: SweepPlace | undefined;
}

/** Compares the next rows, in the order of their keys: also those that only one side has. */
export async function* compareNext(
  options: RoundOptions,
  { place, atMost }: { readonly place: SweepPlace; readonly atMost: number },
): Steps<Walked> {
  const { db, model, copy } = options;
  const { table, after } = place;
  const shape = shapeOf(model, table);
  const limit = Math.min(atMost, pageRows);
  const ahead = await rowsIn(db, tableName(table, copy.naming), shape, { after, atMost: limit });
  let to = ahead.length < limit ? undefined : ahead.at(-1);
  let rows = 0;
  const looked = yield* compare(options, table, async (side, name) => {
    const isLive = name === table;
    const found = await rowsIn(side, name, shape, { after, to, atMost: isLive ? 2 * pageRows : everyRow });
    // More than belong there: the part ends where these do.
    if (isLive && found.length === 2 * pageRows) to = found.at(-1);
    if (!isLive) rows = found.length;
    return found;
  });
  const next = to === undefined ? nextTable(model, place) : { ...place, after: keyColumns(to, shape) };
  return { ...looked, rows, place: next };
}

/** The other side bounds them. */
const everyRow = 2 ** 31;

async function* compare(options: RoundOptions, table: string, read: ReadRows): Steps<Looked> {
  const first = yield* compareOnce(options, table, read);
  if (first.differences.length === 0) return first;
  // Believed when it is so twice: tables that were put in the place of others meanwhile look as if rows were missing.
  const shape = shapeOf(options.model, table);
  const keys = first.differences.map(({ key }) => key);
  const { differences } = yield* compareOnce(options, table, (db, name) => rowsWithKeys(db, name, shape, keys));
  return { names: first.names, differences };
}

async function* compareOnce({ db, model, copy }: RoundOptions, table: string, read: ReadRows): Steps<Looked> {
  const shape = shapeOf(model, table);
  const { checkpoint, result } = await snapshot(db, model, (tx) => read(tx, table));
  yield* follow(copy, checkpoint);
  const live = byKey(result, shape);
  const expected = byKey(await read(db, tableName(table, copy.naming)), shape);
  const names = [...live.values(), ...expected.values()].map((row) => nameOf(model, { table, key: row }));
  const found = [...differencesOf(table, { shape, live, expected })];
  return { names: new Set(names), differences: found.map((each) => ({ ...each, at: copy.position })) };
}

function byKey(rows: readonly Row[], shape: TableShape): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [keyText(row, shape), row]));
}

function shapeOf(model: ReadModel, table: string): TableShape {
  return model.tables[table] ?? { key: [] };
}

/** What comes out, without how far it is: a page takes no time. */
async function* finished(steps: Steps<Looked>): AsyncGenerator<Looked, void, undefined> {
  for (;;) {
    const step = await steps.next();
    if (step.done !== true) continue;
    yield step.value;
    return;
  }
}
