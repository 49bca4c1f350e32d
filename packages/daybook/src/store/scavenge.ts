import type { EventStore } from './event-store.ts';

export interface ScavengeOptions {
  readonly signal?: AbortSignal;
}

/** How far a scavenge got. The last one that it gives holds the totals. */
export interface ScavengeProgress {
  readonly eventsSeen: bigint;
  /** Events whose data and metadata were, or in a plan would be, freed. */
  readonly eventsFreed: bigint;
  readonly bytesFreed: bigint;
}

/** A store that can free the space of what was deleted, truncated or outlived. */
export interface ScavengingStore extends EventStore {
  /** What a scavenge would free. Changes nothing. */
  planScavenge(options?: ScavengeOptions): AsyncIterable<ScavengeProgress>;

  /**
   * Frees the data and metadata of events that no read of their stream gives any more, while the store is in use. Never
   * renumbers. Leaving it half way is safe: the next one goes on. The last event of a stream is always kept.
   */
  scavenge(options?: ScavengeOptions): AsyncIterable<ScavengeProgress>;
}
