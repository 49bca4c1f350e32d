import type { Limits } from '../store/limits.ts';
import type { Position } from '../store/position.ts';
import type { ScavengingStore } from '../store/scavenge.ts';

export interface SqliteStoreOptions {
  /** What to do when there is no file. Default: `create`. `refuse`: throw NotAStore. */
  readonly missing?: 'create' | 'refuse' | undefined;
  /** Sizes to accept. Default: those of `defaultLimits`. */
  readonly limits?: Partial<Limits> | undefined;
  /** The clock, in epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** How long a call waits for another process that is writing, in milliseconds. Default: 5,000. */
  readonly busyTimeoutMs?: number | undefined;
  /** How often commits of other processes are looked for while somebody is subscribed, in ms. Default: 50. */
  readonly pollMs?: number | undefined;
}

/** An event store in one SQLite file, with its index in a second one beside it. */
export interface SqliteStore extends ScavengingStore {
  readonly path: string;
  /** What SQLite says of the settings that keep events safe, by the names of its pragmas. Opening compares them. */
  settings(): Readonly<Record<string, string | number>>;
  /** Reads every event and compares checksums, seals and indexes, while the store is in use. */
  verify(options?: { readonly signal?: AbortSignal }): AsyncIterable<VerifyProgress>;
  /** Copies the log as it is now to a new file, while the store is in use. The copy is complete when this ends. */
  backup(target: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<BackupProgress>;
}

export interface VerifyProgress {
  readonly eventsChecked: bigint;
  readonly eventsTotal: bigint;
  /** What was found since the last progress. */
  readonly findings: readonly Finding[];
}

/** One thing that is wrong with a store. */
export interface Finding {
  readonly kind: 'damaged-event' | 'missing-event' | 'broken-seal' | 'wrong-index' | 'damaged-file';
  /** Where in the log, if it is known. */
  readonly position?: Position;
  /** A sentence. */
  readonly problem: string;
}

export interface BackupProgress {
  readonly pagesDone: number;
  readonly pagesTotal: number;
}
