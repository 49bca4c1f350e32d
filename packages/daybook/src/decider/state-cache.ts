import type { Position, Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import { warn } from './warnings.ts';

/** What a state is kept under. */
export interface StateKey {
  /** Name and version of the view. */
  readonly view: string;
  readonly stream: StreamName;
}

/** A state, and how much of its stream it knows. */
export interface CachedState {
  readonly state: unknown;
  /** Of the last event that it knows of. Absent when there was none. */
  readonly revision: Revision | undefined;
  readonly position: Position | undefined;
  /** Of the same event: whether that event is still there tells whether the state still holds. */
  readonly eventId: string | undefined;
  /** The last 32 bits of the id of every event that it knows of, so that a command is recognised without reading all. */
  readonly idTails: Uint32Array;
  /** When it was known to be all there was. */
  readonly asOfMs: number;
}

/**
 * Keeps folded states, so that a load reads only what came after. A cache belongs to one store. It may forget, and it
 * may fail: then the state is read from the log. A state that is older than another one never replaces it.
 */
export interface StateCache {
  /** Whether other processes, or other versions of this program, see its states. Then views need a name. */
  readonly isShared: boolean;
  get(key: StateKey): Promise<CachedState | undefined>;
  set(key: StateKey, state: CachedState): Promise<void>;
}

/** What a cache has, or nothing when it fails. */
export async function cachedState(cache: StateCache, key: StateKey): Promise<CachedState | undefined> {
  try {
    return await cache.get(key);
  } catch (error) {
    warnOfFailure(key, error);
    return undefined;
  }
}

/** Puts a state into a cache. That it fails costs time later, and nothing else. */
export async function cacheState(cache: StateCache, key: StateKey, state: CachedState): Promise<void> {
  try {
    await cache.set(key, state);
  } catch (error) {
    warnOfFailure(key, error);
  }
}

function warnOfFailure(key: StateKey, error: unknown): void {
  warn(() => ({
    code: 'state-cache-failed',
    message: `The state cache failed for ${key.view} of ${key.stream}: ${String(error)}. The log was read instead.`,
    facts: { ...key, error },
  }));
}
