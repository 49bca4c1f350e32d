import type { StreamFacts } from '../internal/decide-append.ts';
import { firstVisible } from '../internal/visible.ts';
import { derivedStream } from '../store/derived-stream.ts';
import { isDeleted, parseStreamMetadata, type StreamMetadata } from '../store/stream-metadata.ts';
import { describedStreamOf, isMetadataStream, metadataStreamOf, type StreamName } from '../store/stream-name.ts';
import type { LogConnection } from './connection.ts';
import { decodeRecord, idHashOf } from './record.ts';
import type { Tail } from './tail.ts';

/** Where the events of a stream stand: the first ones in the index file, the newest in memory. */
export interface Places {
  readonly stream: string;
  readonly streamId: number | undefined;
  /** How many events the index file knows. */
  readonly indexed: number;
  readonly tail: readonly number[];
  /** The number of the last event, -1 when there is none. */
  readonly last: number;
}

/** What is known of a stream, for the next append to it: everything written counts, durable or not. */
export interface Head {
  revision: number;
  isTombstoned: boolean;
  hasMetadata: boolean;
  metadata: StreamMetadata | undefined;
  /** Where `metadata` was set. */
  metadataPosition: number;
  /** The first revision at which an id stands, by the id's hash. Loaded when an append first needs it. */
  revisionsById: Map<number, number> | undefined;
}

/** How many streams are remembered. */
const headsAtMost = 200_000;

/** What the log and its indexes say about streams. */
export class Streams {
  readonly #log: LogConnection;
  readonly #writer: LogConnection;
  readonly #tail: Tail;
  readonly #heads = new Map<string, Head>();

  /** `writer` sees what is written in a transaction that is still open. */
  constructor({ reader, writer, tail }: { reader: LogConnection; writer: LogConnection; tail: Tail }) {
    this.#log = reader;
    this.#writer = writer;
    this.#tail = tail;
  }

  /** The places of a stream's events up to and with the position `bound`. */
  places(stream: string, bound: number = Infinity): Places {
    const tail = this.#tail.positionsOf(stream, bound);
    const row = this.#log.findStream(stream);
    const indexed = row === undefined ? 0 : this.#indexed(row, Math.min(bound, this.#tail.indexed));
    return { stream, streamId: row?.id, indexed, tail, last: indexed + tail.length - 1 };
  }

  /** The position of the event with a number. It must be one of `places`. */
  positionOf({ streamId, indexed, tail }: Places, number: number): number {
    if (number >= indexed) return tail[number - indexed]!;
    return this.#log.indexedPosition(streamId!, number) ?? 0; // A stream with indexed events has an id.
  }

  /** Where a stream was closed for good, and with it its metadata. */
  tombstoneOf(stream: string, bound: number = Infinity): number | undefined {
    const closed = describedStreamOf(stream) ?? stream;
    const position = this.#tail.tombstoneOf(closed, bound) ?? this.#log.findStream(closed)?.tombstone;
    return position !== undefined && position <= bound ? position : undefined;
  }

  /** The metadata of a stream as they were at the position `bound`. */
  metadataOf(stream: StreamName, bound: number = Infinity): StreamMetadata | undefined {
    const head = this.head(stream);
    return head.metadataPosition <= bound ? head.metadata : this.#readMetadata(stream, bound)?.metadata;
  }

  /** The first number of a stream that its metadata leave visible. */
  firstVisible(stream: StreamName, last: number, bound: number = Infinity): number {
    if (derivedStream(stream) !== undefined) return 0;
    return firstVisible(stream, last, isMetadataStream(stream) ? undefined : this.metadataOf(stream, bound));
  }

  /** What is known of a stream. The log keeps it true from now on. */
  head(stream: StreamName): Head {
    const known = this.#heads.get(stream);
    if (known !== undefined) return known;
    if (this.#heads.size >= headsAtMost) this.#heads.delete(this.#heads.keys().next().value!);
    const metadata = isMetadataStream(stream) ? undefined : this.#readMetadata(stream, Infinity);
    const head: Head = {
      revision: this.places(stream).last,
      isTombstoned: this.tombstoneOf(stream) !== undefined,
      hasMetadata: metadata !== undefined,
      metadata: metadata?.metadata,
      metadataPosition: metadata?.position ?? 0,
      revisionsById: undefined,
    };
    this.#heads.set(stream, head);
    return head;
  }

  /** What is known of a stream, if it was asked for before. */
  knownHead(stream: string): Head | undefined {
    return this.#heads.get(stream);
  }

  forget(): void {
    this.#heads.clear();
  }

  /** What an append needs to know. */
  factsOf(stream: StreamName): StreamFacts {
    const head = this.head(stream);
    const { revision, metadata, isTombstoned, hasMetadata } = head;
    return {
      revision,
      firstVisible: firstVisible(stream, revision, metadata),
      isDeleted: metadata !== undefined && isDeleted(metadata),
      isTombstoned,
      hasMetadata,
      idAt: (at) => (at > revision ? undefined : this.#idAt(this.places(stream), at)),
      findId: (id, from) => (revision < from ? -1 : this.#findId(stream, head, { id, from })),
    };
  }

  #findId(stream: StreamName, head: Head, { id, from }: { id: string; from: number }): number {
    head.revisionsById ??= this.#loadIds(stream);
    const found = head.revisionsById.get(idHashOf(id));
    if (found === undefined) return -1;
    const places = this.places(stream);
    if (found >= from && this.#idAt(places, found) === id) return found;
    // Another id with the same hash, or one that stands several times: look at each.
    for (let at = from; at <= places.last; at += 1) if (this.#idAt(places, at) === id) return at;
    return -1;
  }

  #loadIds(stream: StreamName): Map<number, number> {
    const ids = new Map<number, number>();
    const { streamId, indexed } = this.places(stream);
    if (streamId !== undefined && indexed > 0) {
      for (const [hash, at] of this.#log.idHashes(streamId, 0, indexed - 1)) if (!ids.has(hash)) ids.set(hash, at);
    }
    for (const [at, hash] of this.#tail.idHashesOf(stream).entries()) if (!ids.has(hash)) ids.set(hash, indexed + at);
    return ids;
  }

  #idAt(places: Places, at: number): string | undefined {
    if (at < 0 || at > places.last) return undefined;
    const position = this.positionOf(places, at);
    return decodeRecord(this.#writer.record(position), position).id;
  }

  /** How many of an indexed stream's events stand at or before `bound`. */
  #indexed(row: { id: number; revision: number; position: number }, bound: number): number {
    if (row.position <= bound) return row.revision + 1;
    return (this.#log.lastIndexed(row.id, bound)?.revision ?? -1) + 1;
  }

  #readMetadata(
    stream: StreamName,
    bound: number,
  ): { readonly metadata: StreamMetadata; readonly position: number } | undefined {
    const places = this.places(metadataStreamOf(stream), bound);
    if (places.last < 0) return undefined;
    const position = this.positionOf(places, places.last);
    return { metadata: parseStreamMetadata(decodeRecord(this.#writer.record(position), position).data), position };
  }
}
