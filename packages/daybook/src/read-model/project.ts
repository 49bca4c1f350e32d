import type { Kysely, Transaction } from 'kysely';

import type { Clock } from '../consumer/clock.ts';
import type { DecodedEvent } from '../store/event-source.ts';
import type { Position, Revision } from '../store/position.ts';
import { booksOf, type Books } from './bookkeeping.ts';
import { LeaseLost, ProjectingFailed } from './errors.ts';
import { handleAll } from './handle-all.ts';
import { Overtaken } from './line.ts';
import type { SourcedEvent } from './merged-sources.ts';
import { checkpointName, type Naming } from './naming.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';
import { handleAhead, type Foresight } from './run-ahead.ts';
import { Watchdog } from './watchdog.ts';

/** An event that concerns the read model, ready for its handler. */
export interface DecodedSourced {
  readonly sourced: SourcedEvent;
  readonly event: DecodedEvent;
}

/** Events that go into the tables together. */
export interface Batch {
  /** Those that a handler waits for, in the order of the log. */
  readonly events: readonly DecodedSourced[];
  /** Where the tables stand before it. Absent: at no event. */
  readonly after: Position | undefined;
  /** The last event of all, whether or not it concerns the model. */
  readonly last: SourcedEvent;
  /** By source: the last number. */
  readonly numbers: ReadonlyMap<string, Revision>;
}

/** Which copy is written, and by what right. */
export interface Projecting {
  readonly model: ReadModel;
  readonly naming: Naming;
  readonly token: bigint;
  readonly owner: string;
  /** How long the lease goes on from the commit of a batch. */
  readonly leaseMs: number;
  readonly now: () => number;
  /** By which handlers are given up. */
  readonly clock: Clock;
  /** What is known about the handlers. It grows from batch to batch. */
  readonly foresight: Foresight;
}

/** The batch that a page of the sources makes. Decoding happens outside of the transaction. */
export async function decodeBatch(
  model: ReadModel,
  page: readonly SourcedEvent[],
  after: Position | undefined,
): Promise<Batch | undefined> {
  const last = page.at(-1);
  if (last === undefined) return undefined;
  const numbers = new Map<string, Revision>();
  const events: DecodedSourced[] = [];
  for (const sourced of page) {
    for (const [source, number] of sourced.numbers) numbers.set(source, number);
    const event = await decoded(model, sourced);
    if (event !== undefined && Object.hasOwn(model.on, event.type)) events.push({ sourced, event });
  }
  return { events, after, last, numbers };
}

/**
 * Puts a batch into the tables and moves the checkpoint behind it, in one transaction: both or neither.
 *
 * @throws LeaseLost when another instance has taken over, or the tables were put back to an earlier copy of themselves.
 * Nothing is written then.
 * @throws ProjectingFailed when a handler throws, or takes too long. It names the event.
 */
export async function projectBatch(db: Kysely<UntypedTables>, batch: Batch, projecting: Projecting): Promise<void> {
  try {
    await inTransaction(db, projecting, async (tx, watchdog) => {
      await advance(booksOf(tx), batch, projecting);
      await handleAhead(tx, batch.events, { ...projecting, watchdog });
    });
  } catch (error) {
    if (!(error instanceof Overtaken)) throw error;
    await inTransaction(db, projecting, (tx, watchdog) => projectWithin(tx, batch, projecting, watchdog));
  }
}

/** A transaction whose handlers are given up when one takes too long. */
async function inTransaction(
  db: Kysely<UntypedTables>,
  { model, clock }: Projecting,
  work: (tx: Transaction<UntypedTables>, watchdog: Watchdog) => Promise<void>,
): Promise<void> {
  const watchdog = new Watchdog(model, clock);
  await watchdog.watchTransaction(db.transaction().execute((tx) => work(tx, watchdog)));
}

/** The same within a transaction that the caller has begun. */
export async function projectWithin(
  tx: Transaction<UntypedTables>,
  batch: Batch,
  projecting: Projecting,
  watchdog: Watchdog = new Watchdog(projecting.model, projecting.clock),
): Promise<void> {
  // First, because it takes the lock that the next owner waits for.
  await advance(booksOf(tx), batch, projecting);
  await handleAll(tx, batch.events, projecting, { watchdog });
}

/** Moves the checkpoint, if the caller still may. */
async function advance(
  books: Books,
  batch: Batch,
  { model, naming, token, owner, leaseMs, now }: Projecting,
): Promise<void> {
  const name = checkpointName(model, naming);
  const { position, id } = batch.last.event;
  const { numUpdatedRows } = await books
    .updateTable('daybook_read_model')
    .set({ position, event_id: id, seen_position: position, updated_at: now(), lease_until: now() + leaseMs })
    .where('name', '=', name)
    .where('token', '=', token)
    // A database that was restored may give the same token twice, and lacks what was written since.
    .where('owner', '=', owner)
    .where('position', batch.after === undefined ? 'is' : '=', batch.after ?? null)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw new LeaseLost(name, token);
  for (const [source, number] of batch.numbers) {
    await saveNumber(books, { model: name, source, number, position, event_id: id });
  }
  await books.insertInto('daybook_read_model_trail').values({ model: name, position, event_id: id }).execute();
  await shortenTrail(books, name, position);
}

async function saveNumber(
  books: Books,
  row: { model: string; source: string; number: Revision; position: Position; event_id: string },
): Promise<void> {
  const { model, source, ...place } = row;
  const { numUpdatedRows } = await books
    .updateTable('daybook_read_model_source')
    .set(place)
    .where('model', '=', model)
    .where('source', '=', source)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) await books.insertInto('daybook_read_model_source').values(row).execute();
}

/** How many steps back the trail remembers. It names what is gone when the log was restored. */
const trailAtMost = 1_000;
const shortenEvery = 64n;

async function shortenTrail(books: Books, model: string, position: Position): Promise<void> {
  if (position % shortenEvery !== 0n) return; // Not each time: it need not be exact.
  const oldest = await books
    .selectFrom('daybook_read_model_trail')
    .select('position')
    .where('model', '=', model)
    .orderBy('position', 'desc')
    .limit(1)
    .offset(trailAtMost)
    .executeTakeFirst();
  if (oldest === undefined) return;
  await books
    .deleteFrom('daybook_read_model_trail')
    .where('model', '=', model)
    .where('position', '<=', oldest.position)
    .execute();
}

async function decoded(model: ReadModel, { event, source }: SourcedEvent): Promise<DecodedEvent | undefined> {
  // Most sources hold types that the model does not care about: those need not be decoded.
  try {
    return await source.decode(event);
  } catch (cause) {
    throw new ProjectingFailed(model.name, event, cause);
  }
}
