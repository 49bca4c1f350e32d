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

/**
 * Projects what the live tables lack at the end, under the lease, unless an instance is at it. Gives how many events.
 *
 * @throws LogRestored when the tables were built from another log.
 */
export async function* catchUp(store: EventStore, model: ReadModel, options: CatchUpOptions): Steps<number> {
  const { db, now } = options;
  const before = await knownCheckpoint(db, model);
  await checkLog(store, { db, model, naming: live, checkpoint: before });
  const host = thisHost();
  if (isHeld(before, { isGone: (owner) => host.isGone(owner), now })) return 0;
  const copy = await Copy.open(store, model, { ...options, naming: live });
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
  return events;
}
