import type { Kysely, Transaction } from 'kysely';

import type { DecodedEvent } from '../store/event-source.ts';
import type { EventStore } from '../store/event-store.ts';
import type { Position, Revision } from '../store/position.ts';
import { temporaryCopy, type Copy, type CopyOptions } from './copy.ts';
import { handleAll } from './handle-all.ts';
import { Pace, type Steps } from './job.ts';
import { Overtaken } from './line.ts';
import { readMerged } from './merged-sources.ts';
import { ModelPlugin } from './model-plugin.ts';
import { positionColumn, tableName } from './naming.ts';
import { decodeBatch, type DecodedSourced, type Projecting } from './project.ts';
import type { ReadModel, TableShape, UntypedTables } from './read-model.ts';
import { keysAtOnce, keyText, rowsWithKeys, type Row } from './rows.ts';
import { handleAhead, sendAhead, type Question } from './run-ahead.ts';
import { Watchdog } from './watchdog.ts';

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

/** A page that is undone, to be looked at event by event. */
class PageTouched extends Error {}

/** What an event has changed among the watched rows. */
interface Changed {
  readonly touched: ReadonlyMap<string, Row>;
  /** All that are there after it. Absent when it has removed none. */
  readonly present: ReadonlySet<string> | undefined;
}

/** Rows that one event is expected to write, at most. When it wrote more, it is asked again for all of them. */
const touchedAtMost = 1_000;

/** Rows of one table that are watched. */
interface Part {
  readonly table: string;
  readonly shape: TableShape;
  readonly rows: readonly Row[];
}

class Tracer {
  readonly histories = new Map<string, HistoryStep[]>();
  readonly #model: ReadModel;
  readonly #copy: Copy;
  readonly #tables: readonly Part[];
  /** The same, in so many rows as go into one statement. */
  readonly #parts: readonly Part[];
  readonly #watched: ReadonlySet<string>;

  constructor(model: ReadModel, copy: Copy, rows: readonly WatchedRow[]) {
    this.#model = model;
    this.#copy = copy;
    this.#tables = Object.entries(model.tables).flatMap(([table, shape]) => {
      const keys = rows.filter((row) => row.table === table).map(({ key }) => key);
      return keys.length === 0 ? [] : [{ table, shape, rows: keys }];
    });
    this.#parts = this.#tables.flatMap(({ rows: all, ...part }) =>
      Array.from({ length: Math.ceil(all.length / keysAtOnce) }, (_, index) => ({
        ...part,
        rows: all.slice(index * keysAtOnce, (index + 1) * keysAtOnce),
      })),
    );
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
    if (await this.#foldAtOnce(db, events)) return;
    if (await this.#foldAsking(db, events)) return;
    await db.transaction().execute((tx) => this.#foldSlowly(tx, events));
  }

  /** Gives `false` when it must be looked at more closely: then nothing was folded. */
  async #foldAtOnce(db: Kysely<UntypedTables>, events: readonly DecodedSourced[]): Promise<boolean> {
    const first = events[0]?.event.position;
    if (first === undefined) return true;
    for (const handle of [handleAhead, handleInTurn]) {
      try {
        await db.transaction().execute(async (tx) => {
          const plugin = new ModelPlugin(this.#model, this.#copy.naming);
          await handle(tx, events, { ...this.#handling(), plugin });
          const touched = await this.#touched(tx, first);
          if (touched.size > 0 || (plugin.removals > 0 && (await this.#lacksOne(tx)))) throw new PageTouched();
        });
        return true;
      } catch (error) {
        if (error instanceof PageTouched) return false;
        if (!(error instanceof Overtaken)) throw error;
      }
    }
    return false;
  }

  /** Asks after each event what it has changed, and waits for no answer. Gives `false` when that cannot be, or was too early. */
  async #foldAsking(db: Kysely<UntypedTables>, events: readonly DecodedSourced[]): Promise<boolean> {
    const plugin = new ModelPlugin(this.#model, this.#copy.naming);
    const answers: Changed[] = [];
    let removals = 0;
    const question: Question = (index, tx) => {
      const mayRemove = plugin.removals > removals;
      removals = plugin.removals;
      const { event } = events[index]!; // One of those that are given below.
      const asked = [
        this.#touched(tx, event.position),
        mayRemove ? this.#present(tx) : Promise.resolve(undefined),
      ] as const;
      return {
        statements: this.#tables.length + (mayRemove ? this.#parts.length : 0),
        answered: Promise.all(asked).then(([touched, present]) => void (answers[index] = { touched, present })),
      };
    };
    try {
      const isDone = await db
        .transaction()
        .execute((tx) => sendAhead(tx, events, { ...this.#handling(), plugin }, question));
      if (!isDone) return false;
    } catch (error) {
      if (error instanceof Overtaken) return false;
      throw error;
    }
    for (const [index, changed] of answers.entries()) this.#noteAll(events[index]!, changed);
    return true;
  }

  #noteAll(decoded: DecodedSourced, { touched, present }: Changed): void {
    for (const [name, row] of touched) this.#note(name, decoded, row);
    if (present === undefined) return;
    for (const name of this.#watched) {
      if (!present.has(name) && this.#lastRow(name) !== undefined) this.#note(name, decoded, undefined);
    }
  }

  #handling(): Projecting & { readonly watchdog: Watchdog } {
    const { projecting } = this.#copy;
    return { ...projecting, watchdog: new Watchdog(this.#model, projecting.clock) };
  }

  async #foldSlowly(tx: Transaction<UntypedTables>, events: readonly DecodedSourced[]): Promise<void> {
    const plugin = new ModelPlugin(this.#model, this.#copy.naming);
    let removals = 0;
    for (const decoded of events) {
      await handleAll(tx, [decoded], this.#copy.projecting, { plugin });
      const mayRemove = plugin.removals > removals;
      removals = plugin.removals;
      const touched = await this.#touched(tx, decoded.event.position);
      this.#noteAll(decoded, { touched, present: mayRemove ? await this.#present(tx) : undefined });
    }
  }

  /** The watched rows that were written at or after a position. */
  async #touched(tx: Transaction<UntypedTables>, from: Position): Promise<ReadonlyMap<string, Row>> {
    const touched = new Map<string, Row>();
    const found = await Promise.all(this.#tables.map(({ table }) => this.#written(tx, table, from)));
    for (const [index, { table, shape }] of this.#tables.entries()) {
      for (const row of found[index] ?? []) {
        const name = watchedName(table, keyText(row, shape));
        if (this.#watched.has(name)) touched.set(name, row);
      }
    }
    return touched;
  }

  /** Asks for the latest ones: a database that knows nothing of a new table takes the index for that. */
  async #written(tx: Transaction<UntypedTables>, table: string, from: Position): Promise<readonly Row[]> {
    const all = tx
      .withoutPlugins()
      .selectFrom(tableName(table, this.#copy.naming))
      .selectAll()
      .where(positionColumn, '>=', from)
      .orderBy(positionColumn, 'desc');
    const rows: readonly Row[] = await all.limit(touchedAtMost).execute();
    return rows.length < touchedAtMost ? rows : all.execute();
  }

  /** The names of the watched rows that are there. */
  async #present(tx: Transaction<UntypedTables>): Promise<ReadonlySet<string>> {
    const found = await Promise.all(
      this.#parts.map(({ table, shape, rows }) => rowsWithKeys(tx, tableName(table, this.#copy.naming), shape, rows)),
    );
    const names = this.#parts.flatMap(({ table, shape }, index) =>
      (found[index] ?? []).map((row) => watchedName(table, keyText(row, shape))),
    );
    return new Set(names);
  }

  /** Whether one of the watched rows is not there, which may have come and gone in between. */
  async #lacksOne(tx: Transaction<UntypedTables>): Promise<boolean> {
    return (await this.#present(tx)).size < this.#watched.size;
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

/** As handlers run where nothing runs ahead. */
async function handleInTurn(
  tx: Transaction<UntypedTables>,
  events: readonly DecodedSourced[],
  { plugin, watchdog, ...projecting }: Projecting & { readonly plugin: ModelPlugin; readonly watchdog: Watchdog },
): Promise<void> {
  await handleAll(tx, events, projecting, { plugin, watchdog });
}
