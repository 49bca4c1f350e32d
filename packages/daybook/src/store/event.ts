import type { Position, Revision } from './position.ts';
import type { StreamName } from './stream-name.ts';

/** What the bytes of `data` are. The store never looks at them, it only remembers the answer. */
export type ContentType = 'application/json' | 'application/octet-stream';

/** An event to append. The store keeps `data` and `metadata` byte for byte. */
export interface NewEvent {
  /** A UUID. The writer chooses it, so that an append sent twice is recognised. */
  readonly id: string;
  /** What happened, in the past tense: `OrderShipped`. 1 to 256 UTF-8 bytes. */
  readonly type: string;
  readonly data: Uint8Array;
  /** Facts about the event that are not part of it: `$correlationId`, who, from where. Default: no bytes. */
  readonly metadata?: Uint8Array | undefined;
  /** Default: `application/octet-stream`. `jsonEvent` sets `application/json`. */
  readonly contentType?: ContentType | undefined;
  /** When another store took the event: for imports only. Default: the time of the append, by the store's clock. */
  readonly created?: Date | undefined;
}

/** An event as the store holds it. */
export interface RecordedEvent {
  readonly stream: StreamName;
  readonly revision: Revision;
  readonly position: Position;
  /** A UUID in lower case. */
  readonly id: string;
  readonly type: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
  readonly contentType: ContentType;
  /** When the store took it, by the store's clock, in whole milliseconds. */
  readonly created: Date;
  /** Where in a derived stream it was found. Absent on a read of the event's own stream or of `$all`. */
  readonly link?: Link;
}

/** A place in a derived stream that stands for an event. `revision` is the number that a consumer checkpoints. */
export interface Link {
  readonly stream: StreamName;
  readonly revision: Revision;
}
