import type { Kysely } from 'kysely';

import type { Clock } from '../consumer/clock.ts';
import type { Position } from '../store/position.ts';
import { findCheckpoint, type Bookkeeping, type Books, type Checkpoint } from './bookkeeping.ts';
import { ReadModelInUse, ReadModelLocked, ReadModelMissing } from './errors.ts';
import { limitLockWait, lockingPid } from './locks-connection.ts';
import { isLocked, isPostgres } from './locks.ts';

/** Who wants to write a copy, and for how long without a sign of life. */
export interface LeaseWish {
  readonly name: string;
  readonly owner: string;
  /** Whether another owner is known to be gone, so that nobody need wait for its lease to run out. */
  readonly isGone: (owner: string) => boolean;
  readonly leaseMs: number;
  readonly now: () => number;
  /** Ends the waiting for a lease that is taken whoever holds it. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes the lease if nobody holds it, and gives the checkpoint as it is from then on. The token in it is new: whoever
 * wrote before cannot any more. Gives `undefined` while somebody else holds it.
 *
 * Clocks only say when it is polite to take over. That no two write is the token's doing, not theirs.
 */
export async function tryLease(books: Books, wish: LeaseWish): Promise<Checkpoint | undefined> {
  const before = await findCheckpoint(books, wish.name);
  if (before === undefined) throw new ReadModelMissing(wish.name);
  if (before.owner !== wish.owner && isHeld(before, wish)) return undefined;
  return takeFrom(books, before, wish);
}

/** Whether somebody holds the lease and may be alive. */
export function isHeld(
  { owner, leaseUntilMs }: Checkpoint,
  { isGone, now }: Pick<LeaseWish, 'isGone' | 'now'>,
): boolean {
  return owner !== undefined && leaseUntilMs > now() && !isGone(owner);
}

/**
 * Takes the lease whoever holds it: the way to shut out an instance that hangs.
 *
 * @throws ReadModelLocked when a transaction that does not end holds the checkpoint.
 */
export async function seizeLease(books: Kysely<Bookkeeping>, wish: LeaseWish): Promise<Checkpoint> {
  let locked: unknown;
  for (let attempt = 1; attempt <= seizuresAtMost; attempt++) {
    wish.signal?.throwIfAborted();
    const before = await findCheckpoint(books, wish.name);
    if (before === undefined) throw new ReadModelMissing(wish.name);
    try {
      const taken = await takeInTime(books, before, wish);
      locked = undefined;
      if (taken !== undefined) return taken;
    } catch (error) {
      if (!isLocked(error)) throw error;
      locked = error;
    }
  }
  if (locked === undefined) throw new ReadModelInUse(wish.name, 'several instances that take it from each other');
  const { owner } = (await findCheckpoint(books, wish.name)) ?? {};
  throw new ReadModelLocked(wish.name, { owner, pid: await lockingPid(books, wish.name), cause: locked });
}

/** For so long each attempt waits for a transaction that holds the checkpoint. */
const lockWaitMs = 250;

/** Takes the lease, unless a transaction holds the checkpoint for too long. SQLite has a limit of its own. */
async function takeInTime(
  books: Kysely<Bookkeeping>,
  before: Checkpoint,
  wish: LeaseWish,
): Promise<Checkpoint | undefined> {
  if (!isPostgres(books)) return takeFrom(books, before, wish);
  return books.transaction().execute(async (tx) => {
    await limitLockWait(tx, lockWaitMs);
    return takeFrom(tx, before, wish);
  });
}

/** How often the lease is taken again from whoever took it in the same moment. */
const seizuresAtMost = 20;

/** Takes the lease, or says who has it. */
export async function requireLease(books: Books, wish: LeaseWish): Promise<Checkpoint> {
  const taken = await tryLease(books, wish);
  if (taken !== undefined) return taken;
  const { owner = 'somebody' } = (await findCheckpoint(books, wish.name)) ?? {};
  throw new ReadModelInUse(wish.name, owner);
}

/** What an owner holds, and how far it looked. */
export interface Held extends Omit<LeaseWish, 'isGone'> {
  readonly token: bigint;
  /** Of the last event that it has put into the tables. */
  readonly at: Position | undefined;
  readonly seen: Position;
}

/** Says that the owner lives, and how far it looked. Gives whether it still is the owner, of these very tables. */
export async function renewLease(books: Books, { name, owner, leaseMs, now, token, at, seen }: Held): Promise<boolean> {
  const { numUpdatedRows } = await books
    .updateTable('daybook_read_model')
    .set({ lease_until: now() + leaseMs, updated_at: now(), seen_position: seen })
    .where('name', '=', name)
    .where('token', '=', token)
    .where('owner', '=', owner)
    .where('position', at === undefined ? 'is' : '=', at ?? null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Gives the lease back, so that the next one need not wait for it to run out. */
export async function releaseLease(books: Books, name: string, token: bigint): Promise<void> {
  await books
    .updateTable('daybook_read_model')
    .set({ owner: null, lease_until: 0n })
    .where('name', '=', name)
    .where('token', '=', token)
    .execute();
}

async function takeFrom(books: Books, before: Checkpoint, wish: LeaseWish): Promise<Checkpoint | undefined> {
  const { name, owner, leaseMs, now } = wish;
  const { numUpdatedRows } = await books
    .updateTable('daybook_read_model')
    .set({ owner, token: before.token + 1n, lease_until: now() + leaseMs, updated_at: now() })
    .where('name', '=', name)
    .where('token', '=', before.token)
    .executeTakeFirst();
  // Read again: the last batch of the one before may have been committed in between.
  return numUpdatedRows === 0n ? undefined : findCheckpoint(books, name);
}

/** For how long an owner has given no sign of life, by the monotonic clock of whoever waits. */
export class Silence {
  readonly #clock: Clock;
  #last = '';
  #sinceMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Each sign of life changes the row. */
  of(checkpoint: Checkpoint | undefined): number {
    const { token, leaseUntilMs, updatedAt, position } = checkpoint ?? {};
    const sign = [token, leaseUntilMs, updatedAt?.getTime(), position].join();
    const nowMs = this.#clock.monotonicMs();
    if (sign !== this.#last) {
      this.#last = sign;
      this.#sinceMs = nowMs;
    }
    return nowMs - this.#sinceMs;
  }
}
