import type { Kysely } from 'kysely';

import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import type { LogHead } from '../store/options.ts';
import { position, type Position } from '../store/position.ts';
import { booksOf, type Checkpoint, type Counter } from './bookkeeping.ts';
import { LogRestored, type GhostEvent } from './errors.ts';
import { positionColumn, tableName, type Naming } from './naming.ts';
import { numbersAt } from './numbers-at.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';

/** What a checkpoint is held against. */
export interface CheckLogOptions {
  readonly db: Kysely<UntypedTables>;
  readonly model: ReadModel;
  readonly naming: Naming;
  readonly checkpoint: Checkpoint;
}

/**
 * Whether the log is still the one that the tables were built from. A log that was restored to a place behind the
 * checkpoint's event is: the same event stands at the same position, so everything before it is the same too.
 *
 * @throws LogRestored when it is not, with the events that the tables have seen and the log no longer has.
 */
export async function checkLog(store: EventStore, options: CheckLogOptions): Promise<LogHead> {
  const { checkpoint } = options;
  const head = await store.head();
  if (checkpoint.position === undefined) return head;
  const reason = await difference(store, head, checkpoint);
  if (reason === undefined) return head;
  const agreesUpTo = reason === 'other-log' ? undefined : await lastCommon(store, options);
  throw new LogRestored({
    model: checkpoint.name,
    reason,
    agreesUpTo,
    seenEvents: await seenAfter(store, agreesUpTo, options),
    ghosts: await ghostsAfter(agreesUpTo, { ...options, head: reason === 'other-log' ? undefined : head.position }),
  });
}

async function difference(
  store: EventStore,
  head: LogHead,
  { position: at, eventId, logId, epoch }: Checkpoint,
): Promise<LogRestored['reason'] | undefined> {
  if (at === undefined) return undefined;
  if (logId !== undefined && head.logId !== undefined && logId !== head.logId) return 'other-log';
  if (head.position === undefined || head.position < at) return 'checkpoint-ahead';
  const found = await eventAt(store, at);
  if (found === undefined) {
    // Scavenged, when nothing else happened to the log. After a restore it may as well never have been there.
    return epoch === head.epoch ? undefined : 'other-event';
  }
  return found.id === eventId ? undefined : 'other-event';
}

/** The event at a position, unless it was scavenged or never was. */
export async function eventAt(store: EventStore, at: Position): Promise<RecordedEvent | undefined> {
  for await (const event of store.readAll({ from: at, limit: 1, pageSize: 1 })) {
    return event.position === at ? event : undefined;
  }
  return undefined;
}

/** The last step of the trail whose event is still where it was. */
async function lastCommon(store: EventStore, { db, checkpoint }: CheckLogOptions): Promise<Position | undefined> {
  const steps = await booksOf(db)
    .selectFrom('daybook_read_model_trail')
    .select(['position', 'event_id'])
    .where('model', '=', checkpoint.name)
    .orderBy('position', 'desc')
    .execute();
  for (const step of steps) {
    const at = position(BigInt(step.position));
    if ((await eventAt(store, at))?.id === step.event_id) return at;
  }
  return undefined;
}

/** How many events of its sources the tables have seen after the last common one. */
async function seenAfter(
  store: EventStore,
  after: Position | undefined,
  { model, checkpoint }: CheckLogOptions,
): Promise<number | undefined> {
  if (model.sources.some(({ stream }) => stream === '$all')) return undefined;
  const common = after === undefined ? undefined : await numbersAt(store, model, after);
  let seen = 0n;
  for (const [source, number] of checkpoint.numbers) seen += number - (common?.get(source) ?? -1n);
  return Number(seen);
}

/** How many ghosts are named at most. */
const ghostsAtMost = 1_000;

/**
 * The ghosts that are known for certain: steps of the trail behind the last common one, and rows that were written at a
 * position where the log has not come to. A row does not say which event it was at a position that was given again.
 */
async function ghostsAfter(
  agreesUpTo: Position | undefined,
  { db, model, naming, checkpoint, head }: CheckLogOptions & { readonly head: Position | undefined },
): Promise<readonly GhostEvent[]> {
  const after = agreesUpTo ?? position(0n);
  const ghosts = new Map<bigint, string | undefined>();
  for (const table of Object.keys(model.tables)) {
    const rows: readonly Readonly<Record<string, unknown>>[] = await db
      .withoutPlugins()
      .selectFrom(tableName(table, naming))
      .select(positionColumn)
      .distinct()
      .where(positionColumn, '>', head === undefined || head < after ? after : head)
      .orderBy(positionColumn)
      .limit(ghostsAtMost)
      .execute();
    for (const row of rows) ghosts.set(BigInt(row[positionColumn] as Counter), undefined); // What the column holds.
  }
  const steps = await booksOf(db)
    .selectFrom('daybook_read_model_trail')
    .select(['position', 'event_id'])
    .where('model', '=', checkpoint.name)
    .where('position', '>', after)
    .orderBy('position')
    .limit(ghostsAtMost)
    .execute();
  for (const step of steps) ghosts.set(BigInt(step.position), step.event_id);
  return [...ghosts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([at, id]) => ({ position: position(at), id }));
}
