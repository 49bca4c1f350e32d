import { metadataStreamOf, type StreamName } from '../store/stream-name.ts';
import type { LogConnection } from './connection.ts';

/** What the index says when it knows no tombstone: no other value looks like it, when a bit of it is wrong. */
export const noTombstones = 'none';
/** More names than this are not remembered: then every stream may be marked. */
const namesAtMost = 100_000;

/**
 * Which streams may have metadata or be tombstoned: few have, and a read of many streams need not look up the others.
 * A name that is not here has neither; one that is here may have lost them.
 */
export class MarkedStreams {
  /** The names of metadata streams. Nothing when there are too many. */
  #described: Set<string> | undefined;
  /** Some stream is tombstoned, and nobody remembers which. */
  #hasTombstones: boolean;

  constructor(index: LogConnection) {
    const names = index.metadataStreams(namesAtMost + 1);
    this.#described = names.length > namesAtMost ? undefined : new Set(names);
    this.#hasTombstones = index.indexMeta().get('tombstones') !== noTombstones;
  }

  /** Learns of an event in a metadata stream. */
  describe(metadataStream: StreamName): void {
    if (this.#described === undefined) return;
    this.#described.add(metadataStream);
    if (this.#described.size > namesAtMost) this.#described = undefined;
  }

  tombstone(): void {
    this.#hasTombstones = true;
  }

  /** Whether there may be an event in a metadata stream. */
  isDescribed(metadataStream: StreamName): boolean {
    return this.#described?.has(metadataStream) ?? true;
  }

  /** Whether some of a stream's events may be hidden. */
  mayHide(stream: StreamName): boolean {
    return this.#hasTombstones || this.isDescribed(metadataStreamOf(stream));
  }
}
