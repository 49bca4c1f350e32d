import type { Kysely } from 'kysely';

import { thisHost } from '../consumer/host.ts';
import type { EventStore } from '../store/event-store.ts';
import { position } from '../store/position.ts';
import { booksOf } from './bookkeeping.ts';
import { checkLog } from './check-log.ts';
import { Copy, knownCheckpoint } from './copy.ts';
import type { Steps } from './job.ts';
import { isHeld, releaseLease } from './lease.ts';
import { live } from './naming.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';

/** What catching up needs. */
export interface CatchUpOptions {
  readonly db: Kysely<UntypedTables>;
  readonly signal: AbortSignal | undefined;
  readonly now: () => number;
}

/** What catching up did. */
export interface CaughtUp {
  readonly events: number;
  /** The instance that held the lease, and was shut out. It stands by, and takes it again afterwards. */
  readonly fenced: string | undefined;
}

/**
 * Projects what the live tables lack at the end. Takes the lease from whoever holds it: one that is paused or hangs
 * would keep it for ever, and what it was about to commit is refused from here on.
 *
 * @throws LogRestored when the tables were built from another log.
 * @throws ReadModelLocked when a transaction that does not end holds the checkpoint.
 */
export async function* catchUp(store: EventStore, model: ReadModel, options: CatchUpOptions): Steps<CaughtUp> {
  const { db, now } = options;
  const before = await knownCheckpoint(db, model);
  await checkLog(store, { db, model, naming: live, checkpoint: before });
  const host = thisHost();
  const fenced = isHeld(before, { isGone: (owner) => host.isGone(owner), now }) ? before.owner : undefined;
  const copy = await Copy.takeOver(store, model, { ...options, naming: live });
  let events = 0;
  try {
    const { position: head = position(0n) } = await store.head();
    for await (const progress of copy.foldTo(head)) {
      events = progress.done;
      yield progress;
    }
  } finally {
    await releaseLease(booksOf(db), model.name, copy.projecting.token);
  }
  return { events, fenced };
}
