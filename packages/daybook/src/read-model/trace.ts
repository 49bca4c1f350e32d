import type { Kysely, Transaction } from 'kysely';

import type { DecodedEvent } from '../store/event-source.ts';
import type { EventStore } from '../store/event-store.ts';
import type { Position, Revision } from '../store/position.ts';
import { temporaryCopy, type Copy, type CopyOptions } from './copy.ts';
import { handleAll } from './handle-all.ts';
import { Pace, type Steps } from './job.ts';
import { readMerged } from './merged-sources.ts';
import { ModelPlugin } from './model-plugin.ts';
import { positionColumn, tableName } from './naming.ts';
import { decodeBatch, type DecodedSourced } from './project.ts';
import type { ReadModel, TableShape, UntypedTables } from './read-model.ts';
import { keyColumns, keyText, rowsWithKeys, type Row } from './rows.ts';

/** An event that a row's story goes through. */
export interface EventPlace {
  readonly position: Position;
  readonly stream: string;
  readonly revision: Revision;
  readonly type: string;
  readonly id: string;
  readonly created: Date;
}

/** A place as people read it: the event's type, and its revision and stream. */
export function placeText({ type, revision, stream }: EventPlace): string {
  return `${type} ${revision}@${stream}`;
}

/** What one event made of one row. */
export interface HistoryStep {
  readonly event: EventPlace;
  readonly decoded: DecodedEvent;
  /** The row after it, or `undefined` when the event removed it. */
  readonly row: Row | undefined;
}

/** A row whose story is wanted. */
export interface WatchedRow {
  readonly table: string;
  readonly key: Row;
}

/** The stories of rows, by `watchedName`. A row that no event touched has none. */
export type Histories = ReadonlyMap<string, readonly HistoryStep[]>;

/** Steps that are remembered of one row: the last ones. */
const stepsAtMost = 2_000;
const pageSize = 500;

/** Folds the log once more, up to a position, and notes each event that changed one of the rows, and to what. */
export async function* traceRows(
  store: EventStore,
  model: ReadModel,
  options: Omit<CopyOptions, 'naming'> & { readonly rows: readonly WatchedRow[]; readonly upTo: Position },
): Steps<Histories> {
  const { db, rows, upTo, signal } = options;
  await using temporary = await temporaryCopy(store, model, options);
  const tracer = new Tracer(model, temporary.copy, rows);
  await tracer.index(db);
  const pace = new Pace('tracing');
  const read = { sources: model.sources, after: new Map<string, Revision>(), upTo, pageSize, signal };
  for await (const page of readMerged(store, read)) {
    signal?.throwIfAborted();
    const batch = await decodeBatch(model, page, undefined);
    if (batch !== undefined) await tracer.fold(db, batch.events);
    yield pace.advance(page.length);
  }
  return tracer.histories;
}

/** The name of a row among the histories. */
export function watchedName(table: string, key: string): string {
  return `${table} ${key}`;
}

class PageTouched extends Error {}

class Tracer {
  readonly histories = new Map<string, HistoryStep[]>();
  readonly #model: ReadModel;
  readonly #copy: Copy;
  readonly #tables: readonly { readonly table: string; readonly shape: TableShape; readonly rows: readonly Row[] }[];
  readonly #watched: ReadonlySet<string>;

  constructor(model: ReadModel, copy: Copy, rows: readonly WatchedRow[]) {
    this.#model = model;
    this.#copy = copy;
    this.#tables = Object.entries(model.tables).flatMap(([table, shape]) => {
      const keys = rows.filter((row) => row.table === table).map(({ key }) => key);
      return keys.length === 0 ? [] : [{ table, shape, rows: keys }];
    });
    this.#watched = new Set(
      this.#tables.flatMap(({ table, shape, rows: keys }) =>
        keys.map((key) => watchedName(table, keyText(key, shape))),
      ),
    );
  }

  /** So that the rows that an event touched are found without reading the others. */
  async index(db: Kysely<UntypedTables>): Promise<void> {
    for (const { table } of this.#tables) {
      const name = tableName(table, this.#copy.naming);
      await db.withoutPlugins().schema.createIndex(`${name}_at`).on(name).column(positionColumn).execute();
    }
  }

  /** Folds a page at once, and only when it touches a watched row a second time, event by event. */
  async fold(db: Kysely<UntypedTables>, events: readonly DecodedSourced[]): Promise<void> {
    const first = events[0]?.event.position;
    if (first === undefined) return;
    try {
      await db.transaction().execute(async (tx) => {
        const plugin = new ModelPlugin(this.#model, this.#copy.naming);
        await handleAll(tx, events, this.#copy.projecting, { plugin });
        const touched = await this.#touched(tx, first);
        if (touched.size > 0 || (plugin.removals > 0 && (await this.#vanished(tx)).length > 0)) throw new PageTouched();
      });
    } catch (error) {
      if (!(error instanceof PageTouched)) throw error;
      await db.transaction().execute((tx) => this.#foldSlowly(tx, events));
    }
  }

  async #foldSlowly(tx: Transaction<UntypedTables>, events: readonly DecodedSourced[]): Promise<void> {
    const plugin = new ModelPlugin(this.#model, this.#copy.naming);
    let removals = 0;
    for (const decoded of events) {
      await handleAll(tx, [decoded], this.#copy.projecting, { plugin });
      const touched = await this.#touched(tx, decoded.event.position);
      for (const [name, row] of touched) this.#note(name, decoded, row);
      if (plugin.removals === removals) continue;
      removals = plugin.removals;
      for (const name of await this.#vanished(tx)) this.#note(name, decoded, undefined);
    }
  }

  /** The watched rows that were written at or after a position. */
  async #touched(tx: Transaction<UntypedTables>, from: Position): Promise<ReadonlyMap<string, Row>> {
    const touched = new Map<string, Row>();
    for (const { table, shape } of this.#tables) {
      const rows: readonly Row[] = await tx
        .withoutPlugins()
        .selectFrom(tableName(table, this.#copy.naming))
        .selectAll()
        .where(positionColumn, '>=', from)
        .orderBy(positionColumn)
        .execute();
      for (const row of rows) {
        const name = watchedName(table, keyText(row, shape));
        if (this.#watched.has(name)) touched.set(name, row);
      }
    }
    return touched;
  }

  /** The watched rows that were there after their last step and are not any more. */
  async #vanished(tx: Transaction<UntypedTables>): Promise<readonly string[]> {
    const vanished: string[] = [];
    for (const { table, shape, rows } of this.#tables) {
      const present = rows.filter((key) => this.#lastRow(watchedName(table, keyText(key, shape))) !== undefined);
      if (present.length === 0) continue;
      const found = await rowsWithKeys(tx, tableName(table, this.#copy.naming), shape, present);
      const names = new Set(found.map((row) => keyText(row, shape)));
      for (const key of present) {
        const text = keyText(keyColumns(key, shape), shape);
        if (!names.has(text)) vanished.push(watchedName(table, text));
      }
    }
    return vanished;
  }

  #lastRow(name: string): Row | undefined {
    return this.histories.get(name)?.at(-1)?.row;
  }

  #note(name: string, { sourced, event: decoded }: DecodedSourced, row: Row | undefined): void {
    const steps = this.histories.get(name) ?? [];
    const { position, stream, revision, type, id, created } = sourced.event;
    steps.push({ event: { position, stream, revision, type, id, created }, decoded, row });
    if (steps.length > stepsAtMost) steps.shift();
    this.histories.set(name, steps);
  }
}
