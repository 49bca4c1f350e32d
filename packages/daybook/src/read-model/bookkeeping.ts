import type { CreateTableBuilder, Kysely, Transaction } from 'kysely';

import { position, revision, type Position, type Revision } from '../store/position.ts';

/** What Daybook keeps in the database of a read model, beside its tables. */
export interface Bookkeeping {
  readonly daybook_read_model: ModelRow;
  readonly daybook_read_model_source: SourceRow;
  readonly daybook_read_model_trail: TrailRow;
}

/** One copy of a read model's tables: which event it saw last, of which log, and who may write. */
export interface ModelRow {
  readonly name: string;
  /** Of the last event whose effect is in the tables. */
  readonly position: Counter | null;
  readonly event_id: string | null;
  /** Up to here nothing is missing, whether or not an event concerned the model. */
  readonly seen_position: Counter;
  readonly log_id: string | null;
  readonly epoch: number | null;
  /** What the tables were built by. */
  readonly code: string;
  /** Raised whenever the read model changes hands. */
  readonly token: Counter;
  readonly owner: string | null;
  /** Milliseconds since 1970, by the owner's clock. */
  readonly lease_until: Counter;
  readonly updated_at: Counter;
  readonly verified_position: Counter | null;
  readonly verified_at: Counter | null;
}

interface SourceRow {
  readonly model: string;
  readonly source: string;
  /** Of the last event, in the source's own numbers. */
  readonly number: Counter;
  readonly position: Counter;
  readonly event_id: string;
}

interface TrailRow {
  readonly model: string;
  readonly position: Counter;
  readonly event_id: string;
}

/** A whole number as the different drivers give and take it. */
export type Counter = bigint | number | string;

/** A connection to the database of a read model, for Daybook's own rows. */
export type Books = Kysely<Bookkeeping> | Transaction<Bookkeeping>;

/** Where a copy of a read model stands. */
export interface Checkpoint {
  readonly name: string;
  readonly position: Position | undefined;
  readonly eventId: string | undefined;
  readonly seenPosition: Position;
  readonly logId: string | undefined;
  readonly epoch: number | undefined;
  readonly code: string;
  readonly token: bigint;
  readonly owner: string | undefined;
  readonly leaseUntilMs: number;
  readonly updatedAt: Date;
  readonly verifiedPosition: Position | undefined;
  readonly verifiedAt: Date | undefined;
  /** By source: the number of the last event in the source's own numbers. */
  readonly numbers: ReadonlyMap<string, Revision>;
}

/** Daybook's own rows, without what the user's plugins would do to names. */
export function booksOf<Tables>(db: Kysely<Tables>): Kysely<Bookkeeping> {
  return db.withoutPlugins() as unknown as Kysely<Bookkeeping>; // The tables are there besides the user's own.
}

/** Makes Daybook's own tables where they are not there yet. */
export async function makeBooks(db: Kysely<Bookkeeping>): Promise<void> {
  const checkpoints = db.schema
    .createTable('daybook_read_model')
    .ifNotExists()
    .addColumn('name', 'varchar(200)', (column) => column.primaryKey())
    .addColumn('position', 'bigint')
    .addColumn('event_id', 'varchar(36)')
    .addColumn('seen_position', 'bigint', (column) => column.notNull())
    .addColumn('log_id', 'varchar(36)')
    .addColumn('epoch', 'integer')
    .addColumn('code', 'varchar(64)', (column) => column.notNull())
    .addColumn('token', 'bigint', (column) => column.notNull())
    .addColumn('owner', 'varchar(200)')
    .addColumn('lease_until', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('verified_position', 'bigint')
    .addColumn('verified_at', 'bigint');
  const sources = db.schema
    .createTable('daybook_read_model_source')
    .ifNotExists()
    .addColumn('model', 'varchar(200)', (column) => column.notNull())
    .addColumn('source', 'varchar(500)', (column) => column.notNull())
    .addColumn('number', 'bigint', (column) => column.notNull())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('event_id', 'varchar(36)', (column) => column.notNull())
    .addPrimaryKeyConstraint('daybook_read_model_source_key', ['model', 'source']);
  const trail = db.schema
    .createTable('daybook_read_model_trail')
    .ifNotExists()
    .addColumn('model', 'varchar(200)', (column) => column.notNull())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('event_id', 'varchar(36)', (column) => column.notNull())
    .addPrimaryKeyConstraint('daybook_read_model_trail_key', ['model', 'position']);
  for (const table of [checkpoints, sources, trail]) await makeUnlessThere(table);
}

/**
 * Makes a table unless it is there. On PostgreSQL `if not exists` fails for all but one of those who do it at the same
 * moment: a second time it is there.
 */
export async function makeUnlessThere(table: CreateTableBuilder<string, string>): Promise<void> {
  try {
    await table.execute();
  } catch {
    await table.execute();
  }
}

/** Where a copy stands, or `undefined` when it has never run. */
export async function findCheckpoint(books: Books, name: string): Promise<Checkpoint | undefined> {
  const row = await books.selectFrom('daybook_read_model').selectAll().where('name', '=', name).executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    name,
    position: row.position === null ? undefined : position(BigInt(row.position)),
    eventId: row.event_id ?? undefined,
    seenPosition: position(BigInt(row.seen_position)),
    logId: row.log_id ?? undefined,
    epoch: row.epoch ?? undefined,
    code: row.code,
    token: BigInt(row.token),
    owner: row.owner ?? undefined,
    leaseUntilMs: Number(row.lease_until),
    updatedAt: new Date(Number(row.updated_at)),
    verifiedPosition: row.verified_position === null ? undefined : position(BigInt(row.verified_position)),
    verifiedAt: row.verified_at === null ? undefined : new Date(Number(row.verified_at)),
    numbers: await findNumbers(books, name),
  };
}

/**
 * By source, the number of the last event in the tables, in one query that writes nothing. Empty when it never ran. One row
 * for each source that it has ever followed, and all of them: where one is missing, its events would go in again.
 */
export async function findNumbers(books: Books, name: string): Promise<ReadonlyMap<string, Revision>> {
  const rows = await books
    .selectFrom('daybook_read_model_source')
    .select(['source', 'number'])
    .where('model', '=', name)
    .orderBy('source')
    .execute();
  return new Map(rows.map(({ source, number }) => [source, revision(BigInt(number))]));
}

/** What a new copy begins with. */
export function firstRow(facts: Pick<ModelRow, 'name' | 'code' | 'updated_at' | 'log_id' | 'epoch'>): ModelRow {
  return {
    position: null,
    event_id: null,
    seen_position: 0n,
    token: 0n,
    owner: null,
    lease_until: 0n,
    verified_position: null,
    verified_at: null,
    ...facts,
  };
}

/** Removes what is kept about a copy. */
export async function forgetCheckpoint(books: Books, name: string): Promise<void> {
  await books.deleteFrom('daybook_read_model_trail').where('model', '=', name).execute();
  await books.deleteFrom('daybook_read_model_source').where('model', '=', name).execute();
  await books.deleteFrom('daybook_read_model').where('name', '=', name).execute();
}

/** Gives what is kept about a copy another name. Whoever wrote it under the old one is shut out. */
export async function renameCheckpoint(
  books: Books,
  { from, to, token }: { readonly from: string; readonly to: string; readonly token: bigint },
): Promise<void> {
  await books.updateTable('daybook_read_model_trail').set({ model: to }).where('model', '=', from).execute();
  await books.updateTable('daybook_read_model_source').set({ model: to }).where('model', '=', from).execute();
  await books
    .updateTable('daybook_read_model')
    .set({ name: to, token, owner: null, lease_until: 0n })
    .where('name', '=', from)
    .execute();
}
