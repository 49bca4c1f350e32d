import type { Kysely, Transaction } from 'kysely';

import { systemClock } from '../consumer/clock.ts';
import { thisHost, type Host } from '../consumer/host.ts';
import type { EventStore } from '../store/event-store.ts';
import { position, type Position, type Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import { booksOf, findCheckpoint, forgetCheckpoint, makeBooks } from './bookkeeping.ts';
import { createTables } from './create-tables.ts';
import { LeaseLost, ReadModelLocked, ReadModelMissing } from './errors.ts';
import { Pace, type Steps } from './job.ts';
import { releaseLease, renewLease, requireLease, seizeLease } from './lease.ts';
import { transactionWithin, type LockPatience } from './locks.ts';
import { readMerged } from './merged-sources.ts';
import { checkpointName, tableName, type Naming } from './naming.ts';
import { decodeBatch, projectBatch, projectWithin, type Projecting } from './project.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';
import { Foresight } from './run-ahead.ts';

/** Where a copy is made. */
export interface CopyOptions {
  readonly db: Kysely<UntypedTables>;
  readonly naming: Naming;
  readonly signal?: AbortSignal | undefined;
  readonly now: () => number;
  /** Who writes it. Default: a new name. */
  readonly host?: Host;
  /** For so long it stays the caller's without a sign of life. Default: 60,000. */
  readonly leaseMs?: number;
}

/** Events in one transaction. */
const batchSize = 500;
const defaultLeaseMs = 60_000;

/** A copy of a read model's tables that this caller alone folds the log into. */
export class Copy {
  readonly #store: EventStore;
  readonly #model: ReadModel;
  readonly #options: CopyOptions;
  readonly #projecting: Projecting;
  readonly #numbers: Map<string, Revision>;
  #position: Position;
  /** Of the last event in its tables. */
  #last: Position | undefined;

  private constructor(
    store: EventStore,
    model: ReadModel,
    facts: {
      readonly options: CopyOptions;
      readonly token: bigint;
      readonly owner: string;
      readonly numbers: ReadonlyMap<string, Revision>;
      readonly last: Position | undefined;
    },
  ) {
    this.#store = store;
    this.#model = model;
    this.#options = facts.options;
    const { naming, now, leaseMs = defaultLeaseMs } = facts.options;
    const { token, owner } = facts;
    const foresight = new Foresight();
    this.#projecting = { model, naming, token, owner, leaseMs, now, clock: systemClock, foresight };
    this.#numbers = new Map(facts.numbers);
    this.#position = facts.last ?? position(0n);
    this.#last = facts.last;
  }

  /** The copy with this name: made when it is not there, and gone on with when it is. */
  static async open(store: EventStore, model: ReadModel, options: CopyOptions): Promise<Copy> {
    const { db, naming, now } = options;
    await createTables(store, model, { db, naming, now });
    return Copy.#taken(store, model, { options, take: requireLease });
  }

  /** The copy with this name, also from an instance that still holds it: that one cannot write any more. */
  static async takeOver(store: EventStore, model: ReadModel, options: CopyOptions): Promise<Copy> {
    return Copy.#taken(store, model, { options, take: seizeLease });
  }

  /** The copy with this name, unless an instance that may be alive holds it. @throws ReadModelInUse */
  static async takeLeft(store: EventStore, model: ReadModel, options: CopyOptions): Promise<Copy> {
    return Copy.#taken(store, model, { options, take: requireLease });
  }

  static async #taken(
    store: EventStore,
    model: ReadModel,
    { options, take }: { readonly options: CopyOptions; readonly take: typeof seizeLease },
  ): Promise<Copy> {
    const { db, naming, now, signal, host = thisHost(), leaseMs = defaultLeaseMs } = options;
    const name = checkpointName(model, naming);
    const isGone = (other: string): boolean => host.isGone(other);
    const taken = await take(booksOf(db), { name, owner: host.holder, isGone, leaseMs, now, signal });
    return new Copy(store, model, {
      options,
      token: taken.token,
      owner: host.holder,
      numbers: taken.numbers,
      last: taken.position,
    });
  }

  /** Everything up to here is in its tables. */
  get position(): Position {
    return this.#position;
  }

  get naming(): Naming {
    return this.#options.naming;
  }

  get projecting(): Projecting {
    return this.#projecting;
  }

  /** Folds the log into the tables up to a position, itself included. */
  async *foldTo(upTo: Position): Steps<void> {
    const { db, signal } = this.#options;
    const pace = new Pace('folding', { total: await this.#remaining() });
    const { sources } = this.#model;
    const read = { sources, after: this.#numbers, upTo, pageSize: batchSize, signal };
    for await (const page of readMerged(this.#store, read)) {
      signal?.throwIfAborted();
      const batch = await decodeBatch(this.#model, page, this.#last);
      if (batch === undefined) continue;
      await projectBatch(db, batch, this.#projecting);
      this.#last = batch.last.event.position;
      for (const [source, number] of batch.numbers) this.#numbers.set(source, number);
      yield pace.advance(page.length);
    }
    if (upTo > this.#position) this.#position = upTo;
  }

  /** The same within a transaction: for the few events that came while it was prepared. */
  async foldWithin(tx: Transaction<UntypedTables>, upTo: Position): Promise<void> {
    const { sources } = this.#model;
    let last = this.#last; // What the transaction does may be undone.
    for await (const page of readMerged(this.#store, { sources, after: this.#numbers, upTo, pageSize: batchSize })) {
      const batch = await decodeBatch(this.#model, page, last);
      if (batch === undefined) continue;
      await projectWithin(tx, batch, this.#projecting);
      last = batch.last.event.position;
    }
  }

  /** Says that the caller lives. @throws LeaseLost when the copy is somebody else's by now. */
  async renew(db: Kysely<UntypedTables> = this.#options.db): Promise<void> {
    const { token, owner, leaseMs, now } = this.#projecting;
    const name = checkpointName(this.#model, this.#options.naming);
    const held = { name, token, owner, leaseMs, now, at: this.#last, seen: this.#position };
    if (!(await renewLease(booksOf(db), held))) throw new LeaseLost(name, token);
  }

  /** Takes the same steps, and says in between that the caller lives: for what takes long and writes nothing. */
  async *keptDuring<Result>(steps: Steps<Result>): Steps<Result> {
    const { leaseMs, now } = this.#projecting;
    await this.renew();
    let renewedAt = now();
    try {
      for (;;) {
        const step = await steps.next();
        if (step.done === true) return step.value;
        yield step.value;
        if (now() - renewedAt < leaseMs / 3) continue;
        await this.renew();
        renewedAt = now();
      }
    } finally {
      await steps.return(undefined as never); // Its own end is not asked for.
    }
  }

  /** Leaves the copy to whoever comes next. */
  async release(): Promise<void> {
    const name = checkpointName(this.#model, this.#options.naming);
    await releaseLease(booksOf(this.#options.db), name, this.#projecting.token);
  }

  /** Removes the tables and what is known about them. */
  async drop(): Promise<void> {
    await dropCopy(this.#options.db, this.#model, this.#options.naming);
  }

  /** How many events the sources have that are not in the tables: those of several sources count for each. */
  async #remaining(): Promise<number> {
    let events = 0n;
    for (const { stream } of this.#model.sources) {
      if (stream === '$all') return Number((await this.#store.head()).position ?? 0n);
      const { revision = -1n } = await this.#store.streamState(stream as StreamName); // The model's own source.
      events += revision - (this.#numbers.get(stream) ?? -1n);
    }
    return Number(events);
  }
}

/** Removes the tables of a copy and what is known about them, if they are there. */
export async function dropCopy(
  db: Kysely<UntypedTables>,
  model: ReadModel,
  naming: Naming,
  patience: LockPatience = {},
): Promise<void> {
  const tables = Object.keys(model.tables);
  const drop = async (inOrder: readonly string[]): Promise<void> =>
    transactionWithin(db, { ...patience, model }, async (tx) => {
      for (const table of inOrder) {
        await tx.withoutPlugins().schema.dropTable(tableName(table, naming)).ifExists().execute();
      }
      await forgetCheckpoint(booksOf(tx), checkpointName(model, naming));
    });
  // A table that another one refers to cannot be dropped before that one, and they may be named in either order.
  await drop(tables.toReversed()).catch((error: unknown) => {
    if (error instanceof ReadModelLocked) throw error;
    return drop(tables);
  });
}

/** A copy that lasts as long as one piece of work. */
export interface TemporaryCopy extends AsyncDisposable {
  readonly copy: Copy;
}

/** Copies that were left behind by a process that was killed are removed after this time without a sign of life. */
const leftBehindMs = 3_600_000;

/** Makes a copy that is dropped when it is disposed of. */
export async function temporaryCopy(
  store: EventStore,
  model: ReadModel,
  options: Omit<CopyOptions, 'naming'>,
): Promise<TemporaryCopy> {
  await dropLeftBehind(model, options);
  const naming = { suffix: `${temporarySuffix}${crypto.randomUUID().slice(0, 8)}` };
  const copy = await Copy.open(store, model, { ...options, naming });
  return { copy, [Symbol.asyncDispose]: () => copy.drop() };
}

const temporarySuffix = '__check_';

async function dropLeftBehind(model: ReadModel, { db, now }: Omit<CopyOptions, 'naming'>): Promise<void> {
  const books = booksOf(db);
  await makeBooks(books);
  const rows = await books
    .selectFrom('daybook_read_model')
    .select('name')
    .where('updated_at', '<', now() - leftBehindMs)
    .orderBy('name')
    .execute();
  const prefix = model.name + temporarySuffix;
  for (const { name } of rows) {
    if (name.startsWith(prefix)) await dropCopy(db, model, { suffix: name.slice(model.name.length) });
  }
}

/** The checkpoint of a read model that has run. */
export async function knownCheckpoint(
  db: Kysely<UntypedTables>,
  model: ReadModel,
): Promise<NonNullable<Awaited<ReturnType<typeof findCheckpoint>>>> {
  const books = booksOf(db);
  await makeBooks(books);
  const checkpoint = await findCheckpoint(books, model.name);
  if (checkpoint === undefined) throw new ReadModelMissing(model.name);
  return checkpoint;
}
