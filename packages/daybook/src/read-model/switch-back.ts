import type { Kysely, Transaction } from 'kysely';

import type { Reason } from '../consumer/control.ts';
import { InvalidOption } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import type { Position } from '../store/position.ts';
import { booksOf, findCheckpoint, makeBooks, type Checkpoint } from './bookkeeping.ts';
import { NothingToSwitchBack } from './errors.ts';
import { transactionWithin, type LockPatience } from './locks.ts';
import { checkpointName, live, type Naming } from './naming.ts';
import { heldStill } from './put-right.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';
import { record } from './record.ts';
import { copiesNamed, previousSuffix, renameCopy } from './rename-copy.ts';

/** Where the tables are, and who wants them back. */
export interface SwitchBackOptions<Tables = never> extends LockPatience {
  readonly db: Kysely<Tables>;
  /** Kept in the log. */
  readonly reason: Reason;
  /** The clock, in milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number;
}

/** The tables that a rebuild has replaced. */
export interface PreviousTables {
  readonly model: string;
  /** Up to which event they are. */
  readonly position: Position | undefined;
  /** What they were built by. */
  readonly code: string;
  /** What the tables in their place were built by. */
  readonly replaced: string;
}

/** Says which tables `switchBack` would put back in their place. @throws NothingToSwitchBack when there are none. */
export async function findPrevious<Tables>(
  model: ReadModel,
  { db }: Pick<SwitchBackOptions<Tables>, 'db'>,
): Promise<PreviousTables> {
  const untyped = db as unknown as Kysely<UntypedTables>; // The model's own code is the only one that knows the columns.
  await makeBooks(booksOf(untyped));
  const { checkpoint } = await previousIn(untyped, model);
  const now = await findCheckpoint(booksOf(untyped), model.name);
  return factsOf(model, checkpoint, now?.code ?? '');
}

/**
 * Puts the tables that the last rebuild replaced back in their place, in one transaction. They catch up from there; those
 * that were in their place are kept, so that this can be undone in the same way.
 *
 * @throws NothingToSwitchBack when no rebuild has replaced any.
 * @throws ReadModelLocked when somebody's open transaction holds the tables.
 */
export async function switchBack<Tables>(
  store: EventStore,
  model: ReadModel,
  options: SwitchBackOptions<Tables>,
): Promise<PreviousTables> {
  const db = options.db as unknown as Kysely<UntypedTables>; // As above.
  const { reason, now = Date.now, lockWaitMs } = options;
  if (reason.who === '' || reason.why === '') throw new InvalidOption('reason', 'say who, and why');
  await makeBooks(booksOf(db));
  const facts = await transactionWithin(db, { model, lockWaitMs }, async (tx) => {
    const { naming: previous, checkpoint } = await previousIn(tx, model); // Before it is said that there is nothing to hold.
    const { token, code: replaced } = await heldStill(tx, model, now);
    const aside = { suffix: `__aside_${now().toString(36)}` };
    await renameCopy(tx, model, { from: live, to: aside, token: token + 1n });
    await renameCopy(tx, model, { from: previous, to: live, token: token + 2n });
    await renameCopy(tx, model, { from: aside, to: previous, token: token + 1n });
    return factsOf(model, checkpoint, replaced);
  });
  await record(store, model, { type: 'ReadModelSwitchedBack', reason, facts });
  return facts;
}

async function previousIn(
  db: Kysely<UntypedTables> | Transaction<UntypedTables>,
  model: ReadModel,
): Promise<{ readonly naming: Naming; readonly checkpoint: Checkpoint }> {
  const [naming] = await copiesNamed(db, model, previousSuffix);
  const checkpoint = naming && (await findCheckpoint(booksOf(db), checkpointName(model, naming)));
  if (naming === undefined || checkpoint === undefined) throw new NothingToSwitchBack(model.name);
  return { naming, checkpoint };
}

function factsOf(model: ReadModel, { position, code }: Checkpoint, replaced: string): PreviousTables {
  return { model: model.name, position, code, replaced };
}
