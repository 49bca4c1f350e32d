import type { EventStore } from '../store/event-store.ts';

/**
 * What an adapter may be unable to do. It says so with a reason, and the cases that need it are listed instead of run.
 *
 * - `append-all`: appends to several streams in one transaction.
 * - `append-all-checks`: checks in an `appendAll`, and every violation in its error.
 * - `category-filter`: a filter by `categories`.
 * - `created`: takes the time of an event from the caller.
 * - `derived-truncation`: derived streams leave out what the events' own streams no longer show.
 * - `durability`: the log is there when the store is opened again.
 * - `fell-behind`: a subscription says so when it has to read pages again.
 * - `listings`: streams, categories and event types.
 * - `log-identity`: `logId` and `epoch`.
 * - `outcome`: an answer says if it is a repeat.
 * - `read-by-time`: `from` may be a `Date`.
 * - `repeats-anywhere`: a repeat under `any` and `stream-exists` is known as long as its events are in the stream.
 * - `scavenge`: it is a `ScavengingStore`.
 */
export type Feature =
  | 'append-all'
  | 'append-all-checks'
  | 'category-filter'
  | 'created'
  | 'derived-truncation'
  | 'durability'
  | 'fell-behind'
  | 'listings'
  | 'log-identity'
  | 'outcome'
  | 'read-by-time'
  | 'repeats-anywhere'
  | 'scavenge';

/** What a case gets. */
export interface ContractContext {
  /** A store that others may use too, and that may hold any events already. */
  readonly store: EventStore;
  /** Disposes of the store, if the case did not, and opens it again. Use what it gives from then on. */
  readonly reopen: () => Promise<EventStore>;
}

/** One promise of the contract. It rejects when the store does not keep it. */
export interface ContractCase {
  /** A sentence that says what is promised. */
  readonly name: string;
  /** Default: nothing special. */
  readonly needs?: readonly Feature[];
  readonly run: (context: ContractContext) => Promise<void>;
}

/** The promises about one matter. */
export interface ContractSuite {
  readonly name: string;
  readonly cases: readonly ContractCase[];
}
