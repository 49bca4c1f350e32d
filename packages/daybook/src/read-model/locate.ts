import type { Kysely } from 'kysely';

import type { EventStore } from '../store/event-store.ts';
import { position, type Position } from '../store/position.ts';
import { booksOf, findCheckpoint, makeBooks, type Counter } from './bookkeeping.ts';
import { eventAt } from './check-log.ts';
import { differencesOf } from './compare.ts';
import { temporaryCopy } from './copy.ts';
import { jobOf, Pace, type Job, type Steps } from './job.ts';
import { locateByRows } from './locate-by-rows.ts';
import { live, positionColumn, tableName } from './naming.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';
import { keyText, scanRows, type Row } from './rows.ts';
import type { EventPlace } from './trace.ts';

/** Where tables are looked at. */
export interface LocateOptions<Tables = never> {
  readonly db: Kysely<Tables>;
  readonly signal?: AbortSignal;
  /** The clock, in milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number;
}

/** Which event tables saw last. */
export interface LocateReport {
  readonly model: string;
  /** Of that event. Absent when no event explains what is there. */
  readonly position: Position | undefined;
  readonly event: EventPlace | undefined;
  /** What says so: the rows' own `_position`, or, where they have none, what they hold. */
  readonly basis: 'positions' | 'rows';
  /** What the checkpoint says, when there is one. */
  readonly checkpoint: Position | undefined;
  /** Rows that are older than this event, though an event before it concerned them. */
  readonly holes: readonly Hole[];
}

/** A row that lacks something that other rows have. */
export interface Hole {
  readonly table: string;
  readonly key: Row;
  /** Of the event that the row saw last. Absent when it is not there or does not say. */
  readonly position: Position | undefined;
  /** Of the event that it should have seen. */
  readonly expected: Position | undefined;
}

/**
 * Finds the last event whose effect is in the tables: by the rows' `_position`, or, for tables that have none, by the
 * latest state of the log that the rows agree with.
 */
export function locateReadModel<Tables>(
  store: EventStore,
  model: ReadModel,
  options: LocateOptions<Tables>,
): Job<LocateReport> {
  const { signal, now = Date.now } = options;
  // The model's own code is the only one that knows the columns.
  return jobOf(locateSteps(store, model, { db: options.db as unknown as Kysely<UntypedTables>, signal, now }));
}

/** The options with everything that was left out. */
export interface SettledLocate {
  readonly db: Kysely<UntypedTables>;
  readonly signal: AbortSignal | undefined;
  readonly now: () => number;
}

export async function* locateSteps(store: EventStore, model: ReadModel, options: SettledLocate): Steps<LocateReport> {
  const { db } = options;
  const books = booksOf(db);
  await makeBooks(books);
  const checkpoint = (await findCheckpoint(books, model.name))?.position;
  const facts = { model: model.name, checkpoint };
  if (await hasPositions(db, model)) {
    const at = await lastPosition(db, model);
    const holes = yield* holesUpTo(store, model, { ...options, upTo: at ?? position(0n) });
    return { ...facts, basis: 'positions', position: at, event: await placeAt(store, at), holes };
  }
  const found = yield* locateByRows(store, model, options);
  const holes = found.disagreeing.map((row) => ({ ...row, position: undefined, expected: undefined }));
  return { ...facts, basis: 'rows', position: found.position, event: await placeAt(store, found.position), holes };
}

/** Whether every table has the column that says where its rows come from. */
export async function hasPositions(db: Kysely<UntypedTables>, model: ReadModel): Promise<boolean> {
  const tables = await db.introspection.getTables();
  return Object.keys(model.tables).every((name) =>
    tables.some((table) => table.name === name && table.columns.some((column) => column.name === positionColumn)),
  );
}

async function lastPosition(db: Kysely<UntypedTables>, model: ReadModel): Promise<Position | undefined> {
  let last: Position | undefined;
  for (const table of Object.keys(model.tables)) {
    const row: Row | undefined = await db
      .withoutPlugins()
      .selectFrom(tableName(table, live))
      .select((eb) => eb.fn.max(positionColumn).as('last'))
      .executeTakeFirst();
    const found = row?.['last'];
    if (found === null || found === undefined) continue;
    const at = position(BigInt(found as Counter)); // What the column holds.
    if (last === undefined || at > last) last = at;
  }
  return last;
}

/** Holes that are listed. */
const holesAtMost = 1_000;

async function* holesUpTo(
  store: EventStore,
  model: ReadModel,
  options: SettledLocate & { readonly upTo: Position },
): Steps<readonly Hole[]> {
  const { db, upTo } = options;
  await using temporary = await temporaryCopy(store, model, options);
  yield* temporary.copy.foldTo(upTo);
  const holes: Hole[] = [];
  const pace = new Pace('comparing');
  for (const [table, shape] of Object.entries(model.tables)) {
    for await (const page of scanRows(db, tableName(table, temporary.copy.naming), shape)) {
      const expected = new Map(page.map((row) => [keyText(row, shape), row]));
      const found = new Map<string, Row>();
      for await (const rows of scanRows(db, table, shape, { from: page[0], to: page.at(-1) })) {
        for (const row of rows) found.set(keyText(row, shape), row);
      }
      for (const { key, live: row, expected: should } of differencesOf(table, { shape, live: found, expected })) {
        const hole = { table, key, position: positionOf(row), expected: positionOf(should) };
        const isOlder = hole.expected !== undefined && (hole.position ?? -1n) < hole.expected;
        if (isOlder && holes.length < holesAtMost) holes.push(hole);
      }
      yield pace.advance(page.length);
    }
  }
  return holes;
}

function positionOf(row: Row | undefined): Position | undefined {
  const at = row?.[positionColumn];
  return at === null || at === undefined ? undefined : position(BigInt(at as Counter)); // What the column holds.
}

/** The event at a position, as reports name it. */
export async function placeAt(store: EventStore, at: Position | undefined): Promise<EventPlace | undefined> {
  const event = at === undefined ? undefined : await eventAt(store, at);
  if (event === undefined) return undefined;
  const { stream, revision, type, id, created } = event;
  return { position: event.position, stream, revision, type, id, created };
}
