import { createHash } from 'node:crypto';

import type { Kysely, Transaction } from 'kysely';

import { InvalidOption } from '../store/errors.ts';
import type { DecodedEvent, EventSource } from '../store/event-source.ts';
import { jsonData } from '../store/json-event.ts';
import { streamName } from '../store/stream-name.ts';
import { InvalidReadModel } from './errors.ts';

/** What a read model follows: a source that decodes its events, or the name of a stream whose events are JSON. */
export type ModelSource = string | EventSource<DecodedEvent>;

/** The events of a source. Those of a plain stream have data that nobody has looked at. */
export type EventOf<Source> = Source extends EventSource<infer Event> ? Event : DecodedEvent;

/** Tables whose columns nobody has typed. Annotate the parameter of `migrate` to say what they are. */
export type UntypedTables = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What a read model must say about a table. */
export interface TableShape<Column extends string = string> {
  /** The columns that tell one row from another. They hold text, numbers or UUIDs. */
  readonly key: readonly Column[];
}

/** What puts one event into the tables. It must write through `tx` only, and depend on nothing but both. */
export type Handler<Event, Tables> = (event: Event, tx: Transaction<Tables>) => unknown;

/** A handler for each event type that matters. */
export type Handlers<Event extends DecodedEvent, Tables> = {
  readonly [Type in Event['type']]?: Handler<EventNamed<Event, Type>, Tables>;
};

/** Those of the events that may have this type. */
type EventNamed<Event extends DecodedEvent, Type> = Event extends { readonly type: infer Own }
  ? Type extends Own
    ? Event
    : never
  : never;

/** What `readModel` takes. */
export interface ReadModelOptions<Sources extends readonly ModelSource[], Tables> {
  /** Merged in the order of the log. An event that is in several of them comes once. */
  readonly from: Sources;
  /** Every table that `migrate` makes. */
  readonly tables: { readonly [Table in keyof NoInfer<Tables> & string]: TableShape<keyof Tables[Table] & string> };
  /**
   * Makes the tables, from nothing. Each gets a column `_position` besides: where in the log the event stands that wrote
   * the row last. A change of this function, or of a handler, is a reason to rebuild.
   */
  readonly migrate: (db: Kysely<Tables>) => Promise<void>;
  /** By event type. Events of other types change nothing. */
  readonly on: Handlers<EventOf<NoInfer<Sources>[number]>, NoInfer<Tables>>;
  /** A handler that takes longer has failed: its transaction is rolled back. Default: 60,000. */
  readonly timeoutMs?: number;
  /** Say something new when code that the handlers call has changed: it is the only code they cannot see. */
  readonly version?: string;
}

/** A source under the name that its checkpoint has. */
export interface NamedSource {
  readonly stream: string;
  decode(event: Parameters<EventSource['decode']>[0]): ReturnType<EventSource<DecodedEvent>['decode']>;
}

/** SQL tables that are built from events and from nothing else, so that they can be verified, repaired and rebuilt. */
export interface ReadModel {
  readonly name: string;
  readonly sources: readonly NamedSource[];
  readonly tables: Readonly<Record<string, TableShape>>;
  readonly migrate: (db: Kysely<UntypedTables>) => Promise<void>;
  readonly on: Readonly<Record<string, Handler<DecodedEvent, UntypedTables> | undefined>>;
  /** A handler may take so long. */
  readonly timeoutMs: number;
  /** A digest of what the tables are made by: when it changes, they need to be rebuilt. */
  readonly code: string;
}

/**
 * Defines a read model.
 *
 * @throws InvalidReadModel when it has no source, no table, a table without a key, or a name that cannot be one.
 * @throws InvalidOption when `timeoutMs` is no time.
 */
export function readModel<const Sources extends readonly ModelSource[], Tables = UntypedTables>(
  name: string,
  options: ReadModelOptions<Sources, Tables>,
): ReadModel {
  const { from, tables, migrate, on, timeoutMs = 60_000, version = '' } = options;
  if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1)
    throw new InvalidOption('timeoutMs', 'it is a whole number from 1 on');
  const shapes: Readonly<Record<string, TableShape>> = tables;
  check(name, from, shapes);
  return {
    name,
    sources: from.map(namedSource),
    tables: shapes,
    timeoutMs,
    // What is typed by the caller is called with what the caller's own tables hold.
    migrate: migrate as unknown as ReadModel['migrate'],
    on: on as unknown as ReadModel['on'],
    code: codeOf([version, JSON.stringify(shapes), String(migrate), ...handlerTexts(on)]),
  };
}

function namedSource(source: ModelSource): NamedSource {
  if (typeof source !== 'string') return source;
  return {
    stream: streamName(source),
    decode: (event) => ({ ...event, data: jsonData(event) }),
  };
}

const identifier = /^[A-Za-z_][A-Za-z0-9_]{0,39}$/;

function check(name: string, from: readonly ModelSource[], tables: Readonly<Record<string, TableShape>>): void {
  if (!/^[A-Za-z][A-Za-z0-9_.]{0,99}$/.test(name)) {
    throw new InvalidReadModel(name, 'a name begins with a letter and has at most 100 letters, digits, "_" and "."');
  }
  if (from.length === 0) throw new InvalidReadModel(name, 'it follows nothing: name a source in from');
  const streams = from.map((source) => (typeof source === 'string' ? source : source.stream));
  const twice = streams.find((stream, index) => streams.indexOf(stream) !== index);
  if (twice !== undefined) throw new InvalidReadModel(name, `it follows ${twice} twice`);
  const entries = Object.entries(tables);
  if (entries.length === 0) throw new InvalidReadModel(name, 'it has no table');
  for (const [table, { key }] of entries) {
    if (!identifier.test(table)) {
      throw new InvalidReadModel(
        name,
        `${JSON.stringify(table)} is no name of a table: 1 to 40 letters, digits and "_"`,
      );
    }
    if (key.length === 0) throw new InvalidReadModel(name, `the table ${table} has no key`);
  }
}

function handlerTexts(on: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(on)
    .toSorted()
    .map((type) => `${type}\n${String(on[type])}`);
}

function codeOf(texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(text).update('\0');
  return hash.digest('hex').slice(0, 16);
}
