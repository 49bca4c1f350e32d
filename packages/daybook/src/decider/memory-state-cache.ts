import { InvalidOption } from '../store/errors.ts';
import { freezeDeep } from './freeze-deep.ts';
import type { CachedState, StateCache, StateKey } from './state-cache.ts';

export interface MemoryStateCacheOptions {
  /** Default: 10,000. */
  readonly maxEntries?: number | undefined;
  /** Of all states together, estimated. Default: 64 MiB. A state that is larger than this alone is not kept. */
  readonly maxBytes?: number | undefined;
}

/** A cache in the memory of this process. */
export interface MemoryStateCache extends StateCache {
  readonly entries: number;
  /** An estimate. */
  readonly sizeBytes: number;
}

/**
 * Keeps states in memory. The one that was not used for the longest time goes first. States are frozen: who gets one
 * cannot change it for others.
 */
export function memoryStateCache(options: MemoryStateCacheOptions = {}): MemoryStateCache {
  const { maxEntries = 10_000, maxBytes = 64 * 1024 * 1024 } = options;
  if (!(maxEntries >= 1)) throw new InvalidOption('maxEntries', 'it is no number from 1 on');
  if (!(maxBytes >= 1)) throw new InvalidOption('maxBytes', 'it is no number from 1 on');
  return new LeastRecentlyUsed(maxEntries, maxBytes);
}

interface Entry {
  readonly kept: CachedState;
  readonly sizeBytes: number;
}

class LeastRecentlyUsed implements MemoryStateCache {
  readonly isShared = false;
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  /** In the order in which they were used. */
  readonly #entries = new Map<string, Entry>();
  #sizeBytes = 0;

  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
  }

  get entries(): number {
    return this.#entries.size;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get(key: StateKey): Promise<CachedState | undefined> {
    const name = nameOf(key);
    const entry = this.#entries.get(name);
    if (entry !== undefined) {
      this.#entries.delete(name);
      this.#entries.set(name, entry);
    }
    return Promise.resolve(entry?.kept);
  }

  set(key: StateKey, state: CachedState): Promise<void> {
    const name = nameOf(key);
    const before = this.#entries.get(name);
    if (before !== undefined) {
      if (before.kept.asOfMs > state.asOfMs) return Promise.resolve(); // A slower load comes late.
      this.#remove(name, before);
    }
    const isSame = before !== undefined && before.kept.state === state.state;
    const stateBytes = isSame ? before.sizeBytes - overheadOf(name, before.kept) : freezeDeep(state.state);
    const sizeBytes = stateBytes + overheadOf(name, state);
    if (sizeBytes > this.#maxBytes) return Promise.resolve();
    this.#entries.set(name, { kept: state, sizeBytes });
    this.#sizeBytes += sizeBytes;
    this.#evict();
    return Promise.resolve();
  }

  #evict(): void {
    for (const [name, entry] of this.#entries) {
      if (this.#entries.size <= this.#maxEntries && this.#sizeBytes <= this.#maxBytes) return;
      this.#remove(name, entry);
    }
  }

  #remove(name: string, { sizeBytes }: Entry): void {
    this.#entries.delete(name);
    this.#sizeBytes -= sizeBytes;
  }
}

function nameOf({ view, stream }: StateKey): string {
  return `${view} ${stream}`;
}

/** What an entry costs besides its state, roughly. */
function overheadOf(name: string, { idTails }: CachedState): number {
  return 400 + 2 * name.length + idTails.byteLength;
}
