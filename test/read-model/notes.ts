import { jsonEvent, streamName, type DecodedEvent, type EventStore, type Position } from 'daybook';
import { readModel, type Handler, type ReadModel } from 'daybook/read-model';
import { sql, type Kysely, type Transaction } from 'kysely';

/** A table that tells in which order it was written. */
export interface NoteTables {
  readonly notes: { readonly id: string; readonly text: string; readonly number: number };
}

/** Makes the row once, and writes `text` behind what is there: so the order of all statements can be read from it. */
export async function note(tx: Transaction<NoteTables>, id: string, text: string): Promise<void> {
  await tx
    .insertInto('notes')
    .values({ id, text, number: 1 })
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet({
        text: sql`${sql.ref('notes.text')} || ${text}`,
        number: sql`${sql.ref('notes.number')} + 1`,
      }),
    )
    .execute();
}

export async function makeNotes(db: Kysely<NoteTables>): Promise<void> {
  await db.schema
    .createTable('notes')
    .addColumn('id', 'varchar(40)', (column) => column.primaryKey())
    .addColumn('text', 'text', (column) => column.notNull())
    .addColumn('number', 'integer', (column) => column.notNull())
    .execute();
}

/** A read model of notes, whatever its handler makes of the events. */
export function notesModel(handler: Handler<DecodedEvent, NoteTables>, timeoutMs = 60_000): ReadModel {
  return readModel('notes', {
    from: ['$ce-Note'],
    tables: { notes: { key: ['id'] } },
    timeoutMs,
    migrate: makeNotes,
    on: { Noted: handler, Other: handler },
  });
}

/** Which of the events of `appendNotes` it is, from 0 on. */
export function numberOf(event: DecodedEvent): number {
  return (event.data as { readonly number: number }).number; // Written below.
}

/** Events of one stream. Each says how many are before it. */
export async function appendNotes(store: EventStore, types: readonly ('Noted' | 'Other')[]): Promise<Position> {
  const events = types.map((type, number) => jsonEvent({ type, data: { number } }));
  return (await store.append(streamName('Note-1'), events, { expected: 'no-stream' })).position;
}
