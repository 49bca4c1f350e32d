import { InvalidOption } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import { jsonEvent } from '../store/json-event.ts';
import { setStreamMetadata } from '../store/stream-metadata.ts';
import { streamName, type StreamName } from '../store/stream-name.ts';
import { cachedStateOf, cachedStateText } from './cached-state-json.ts';
import type { CachedState, StateCache, StateKey } from './state-cache.ts';

export interface SnapshotsOptions {
  /** A snapshot is taken when so many events came after the last one. Default: 500. */
  readonly everyEvents?: number | undefined;
  /** How the names of their streams begin. Default: `$snapshot-`, which keeps them out of categories and listings. */
  readonly prefix?: string | undefined;
}

/** How many streams a process remembers to have a snapshot. It costs a snapshot too many to have forgotten. */
const remembered = 10_000;

const decoder = new TextDecoder();

/**
 * Keeps states in the store itself, as snapshots: each in a stream of its own, which holds the last one. So they outlive
 * the process, and are shared by all that open the store. States must be JSON, and views need names.
 */
export function snapshots(store: EventStore, options: SnapshotsOptions = {}): StateCache {
  const { everyEvents = 500, prefix = '$snapshot-' } = options;
  if (!(everyEvents >= 1)) throw new InvalidOption('everyEvents', 'it is no number from 1 on');
  return new Snapshots(store, BigInt(Math.ceil(everyEvents)), prefix);
}

class Snapshots implements StateCache {
  readonly isShared = true;
  readonly #store: EventStore;
  readonly #everyEvents: bigint;
  readonly #prefix: string;
  /** The revision that the last snapshot knows, by its stream; -1 where there is none. */
  readonly #taken = new Map<StreamName, bigint>();

  constructor(store: EventStore, everyEvents: bigint, prefix: string) {
    this.#store = store;
    this.#everyEvents = everyEvents;
    this.#prefix = prefix;
  }

  async get(key: StateKey): Promise<CachedState | undefined> {
    const stream = this.#streamOf(key);
    const [event] = await Array.fromAsync(this.#store.readStream(stream, { direction: 'backwards', limit: 1 }));
    const cached = event && cachedStateOf(decoder.decode(event.data));
    this.#note(stream, cached?.revision ?? -1n);
    return cached;
  }

  async set(key: StateKey, state: CachedState): Promise<void> {
    const stream = this.#streamOf(key);
    const taken = this.#taken.get(stream) ?? -1n;
    const end = state.revision ?? -1n;
    // A state that knows less than the snapshot is of another past: the log was restored, or the stream deleted.
    if (end - taken < this.#everyEvents && end >= taken) return;
    const data: unknown = JSON.parse(cachedStateText(state));
    const { revision } = await this.#store.append(stream, [jsonEvent({ type: 'SnapshotTaken', data })], {
      expected: 'any',
    });
    this.#note(stream, end);
    if (revision === 0n) {
      await setStreamMetadata(this.#store, stream, { expected: 'any', metadata: { maxCount: 1, custom: {} } });
    }
  }

  #streamOf({ view, stream }: StateKey): StreamName {
    return streamName(`${this.#prefix}${view}/${stream}`);
  }

  #note(stream: StreamName, revision: bigint): void {
    this.#taken.delete(stream);
    this.#taken.set(stream, revision);
    for (const oldest of this.#taken.keys()) {
      if (this.#taken.size <= remembered) return;
      this.#taken.delete(oldest);
    }
  }
}
