import type { Kysely } from 'kysely';

import { readHarmony, type Harmony } from '../consumer/harmony.ts';
import { readStatus, type RecordedStatus } from '../consumer/status.ts';
import { whatWaits } from '../consumer/waiting.ts';
import type { EventStore } from '../store/event-store.ts';
import type { Position } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import { booksOf, findCheckpoint, makeBooks, type Checkpoint } from './bookkeeping.ts';
import { checkLog } from './check-log.ts';
import { LogRestored } from './errors.ts';
import { live } from './naming.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';

/** A read model as its log and its database show it: whether or not any process runs it. */
export interface ReadModelLook {
  readonly model: string;
  /** Of the last event in the tables. Absent when it has never run here. */
  readonly position: Position | undefined;
  readonly eventId: string | undefined;
  /** Events of its sources that are not in the tables; of `$all` at most 1,000 are counted. */
  readonly lagEvents: number;
  /** How old the oldest of these is. */
  readonly lagMs: number;
  /** Who writes it. */
  readonly owner: string | undefined;
  /** When the database was written last by whoever runs it. */
  readonly updatedAt: Date | undefined;
  readonly verifiedPosition: Position | undefined;
  readonly verifiedAt: Date | undefined;
  /** The tables were built by other code than this. */
  readonly needsRebuild: boolean;
  /** The log is not the one that the tables were built from. */
  readonly logRestored: LogRestored | undefined;
  /** What the process that runs it has said last. */
  readonly status: RecordedStatus | undefined;
  /** What `verifyContinuously` has said last. */
  readonly harmony: Harmony | undefined;
}

/** Looks at a read model from outside. */
export async function lookAtReadModel<Tables>(
  store: EventStore,
  model: ReadModel,
  { db, now = Date.now }: { readonly db: Kysely<Tables>; readonly now?: () => number },
): Promise<ReadModelLook> {
  const untyped = db as unknown as Kysely<UntypedTables>; // The model's own code is the only one that knows the columns.
  const books = booksOf(untyped);
  await makeBooks(books);
  const checkpoint = await findCheckpoint(books, model.name);
  const { lagEvents, oldest } = await lagOf(store, model, checkpoint);
  return {
    model: model.name,
    position: checkpoint?.position,
    eventId: checkpoint?.eventId,
    lagEvents,
    lagMs: oldest === undefined ? 0 : Math.max(0, now() - oldest.getTime()),
    owner: checkpoint?.owner,
    updatedAt: checkpoint?.updatedAt,
    verifiedPosition: checkpoint?.verifiedPosition,
    verifiedAt: checkpoint?.verifiedAt,
    needsRebuild: checkpoint !== undefined && checkpoint.code !== model.code,
    logRestored: checkpoint === undefined ? undefined : await restoredLog(store, model, { db: untyped, checkpoint }),
    status: await readStatus(store, model.name),
    harmony: await readHarmony(store, model.name),
  };
}

async function lagOf(
  store: EventStore,
  model: ReadModel,
  checkpoint: Checkpoint | undefined,
): Promise<{ readonly lagEvents: number; readonly oldest: Date | undefined }> {
  let lagEvents = 0;
  let oldest: Date | undefined;
  for (const { stream } of model.sources) {
    const name = stream as StreamName; // The model's own source.
    const waiting = await whatWaits(store, name, checkpoint?.numbers.get(stream) ?? -1n);
    lagEvents += Number(waiting.lagEvents);
    const created = waiting.oldest?.created;
    if (created !== undefined && (oldest === undefined || created < oldest)) oldest = created;
  }
  return { lagEvents, oldest };
}

async function restoredLog(
  store: EventStore,
  model: ReadModel,
  { db, checkpoint }: { readonly db: Kysely<UntypedTables>; readonly checkpoint: Checkpoint },
): Promise<LogRestored | undefined> {
  try {
    await checkLog(store, { db, model, naming: live, checkpoint });
    return undefined;
  } catch (error) {
    if (error instanceof LogRestored) return error;
    throw error;
  }
}
