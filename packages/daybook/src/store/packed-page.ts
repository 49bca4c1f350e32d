import type { ContentType } from './event.ts';
import type { Revision } from './position.ts';

/** Events in one piece of memory. Who keeps one of them keeps them all: copy what is to last. */
export interface PackedPage {
  readonly bytes: Uint8Array;
  readonly events: readonly PackedEvent[];
}

/**
 * An event, as places in the bytes of its page. Type, stream name, metadata and data lie one behind the other, in UTF-8
 * where they are text: each begins at its place and ends where the next begins.
 */
export interface PackedEvent {
  readonly position: number;
  /** Of a tombstone, which no double can hold, a bigint. */
  readonly revision: number | Revision;
  /** Epoch milliseconds. */
  readonly createdMs: number;
  readonly contentType: ContentType;
  /** Where the 16 bytes of its id are. */
  readonly idAt: number;
  readonly typeAt: number;
  readonly streamAt: number;
  readonly metadataAt: number;
  readonly dataAt: number;
  readonly end: number;
}
