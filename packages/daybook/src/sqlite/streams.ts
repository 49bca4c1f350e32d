import type { StreamFacts } from '../internal/decide-append.ts';
import { firstVisible } from '../internal/visible.ts';
import { derivedStream } from '../store/derived-stream.ts';
import { EventDamaged } from '../store/errors.ts';
import { position as asPosition } from '../store/position.ts';
import { isDeleted, parseStreamMetadata, type StreamMetadata } from '../store/stream-metadata.ts';
import { describedStreamOf, isMetadataStream, metadataStreamOf, type StreamName } from '../store/stream-name.ts';
import { decodeBlock, eachIdHash, type Block } from './block.ts';
import type { LogConnection } from './connection.ts';
import { IndexDamaged } from './errors.ts';
import { IdLookup } from './id-lookup.ts';
import { MarkedStreams } from './marked-streams.ts';
import { decodeRecord, idHashOf } from './record.ts';
import type { StreamRow } from './rows.ts';
import { countUpTo, type Tail } from './tail.ts';

/**
 * Where the events of a stream stand: the first ones in the index file, the newest in memory. To be used at once: what
 * is in memory goes on to grow and to be forgotten.
 */
export interface Places {
  readonly stream: string;
  readonly streamId: number | undefined;
  /** How many events the index file knows. */
  readonly indexed: number;
  /** The last block in the index file, which may hold more than `indexed`. */
  readonly lastBlock: Block | undefined;
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
  /** The revisions of its events by id. Loaded when an append first needs them. */
  ids: IdLookup | undefined;
  /** Where its last event stands, 0 when it has none. */
  lastPosition: number;
}

/** So many ids of long streams are remembered, at 11 to 22 bytes each, or those of one stream. */
const rememberedAtMost = 1_000_000;
/** How many ids of a stream are added between two looks at how many there are. */
const idsBetween = 64;
/** How many ids are read from the index at once. */
const idsAtOnce = 50_000;
/** How many streams are remembered. */
const headsAtMost = 200_000;

/** What the log and its indexes say about streams. */
export class Streams {
  readonly marked: MarkedStreams;
  readonly #log: LogConnection;
  readonly #writer: LogConnection;
  readonly #tail: Tail;
  readonly #heads = new Map<string, Head>();
  /** The block that was looked into last, and whose it is. What a block says stays true, even when it has grown. */
  #block: { readonly streamId: number; readonly block: Block } | undefined;
  readonly #idsAtMost: number;
  /** How many ids are remembered of which long stream: the one that came first, or was added to first, first. */
  readonly #remembered = new Map<string, number>();
  /** Of all of these. */
  #ids = 0;

  /** `writer` sees what is written in a transaction that is still open. */
  constructor(options: { reader: LogConnection; writer: LogConnection; tail: Tail; idsAtMost?: number }) {
    const { reader, writer, tail, idsAtMost = rememberedAtMost } = options;
    this.#idsAtMost = idsAtMost;
    this.#log = reader;
    this.#writer = writer;
    this.#tail = tail;
    this.marked = new MarkedStreams(reader);
  }

  /** The places of a stream's events up to and with the position `bound`. */
  places(stream: string, bound: number = Infinity): Places {
    return this.#placesIn(this.#log.findStream(stream), stream, bound);
  }

  /** The position of the event with a number. It must be one of `places`. */
  positionOf(places: Places, number: number): number {
    const { indexed, tail } = places;
    if (number >= indexed) return tail[number - indexed]!;
    const { first, positions } = this.#blockWith(places, number);
    return positions[number - first] ?? 0; // No event stands there: the index has a gap, and who reads says so.
  }

  /** The positions of the events from one number to another, both of `places`. */
  positionsOf(places: Places, first: number, last: number): readonly number[] {
    const { streamId, stream, indexed, tail, lastBlock } = places;
    if (first >= indexed) return tail.slice(first - indexed, last + 1 - indexed);
    const positions: number[] = [];
    const inIndex = Math.min(last, indexed - 1);
    const blocks: Block[] =
      lastBlock !== undefined && first >= lastBlock.first
        ? []
        : this.#log.blocks(streamId!, first, inIndex).map((block) => decodeBlock(stream, block)); // It has an id.
    if (lastBlock !== undefined && inIndex >= lastBlock.first) blocks.push(lastBlock);
    for (const block of blocks) {
      // A block that is missing would let the numbers after it slip.
      if (block.first > first + positions.length) break;
      const from = Math.max(0, first - block.first);
      positions.push(...block.positions.slice(from, inIndex + 1 - block.first));
    }
    if (positions.length <= inIndex - first)
      throw new IndexDamaged(`${stream} has a gap at ${first + positions.length}`);
    return last < indexed ? positions : [...positions, ...tail.slice(0, last + 1 - indexed)];
  }

  /** Where a stream was closed for good, and with it its metadata. */
  tombstoneOf(stream: string, bound: number = Infinity): number | undefined {
    const closed = describedStreamOf(stream) ?? stream;
    const known = this.#heads.get(closed);
    if (known?.isTombstoned === false) return undefined;
    const position = this.#tombstoneIn(this.#log.findStream(closed), closed, bound);
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
    if (this.#heads.size >= headsAtMost) this.#forgetHead(this.#heads.keys().next().value!);
    const metadata = isMetadataStream(stream) ? undefined : this.#readMetadata(stream, Infinity);
    const row = this.#log.findStream(stream);
    const closed = describedStreamOf(stream);
    const tombstone = closed === undefined ? this.#tombstoneIn(row, stream) : this.tombstoneOf(closed);
    const places = this.#placesIn(row, stream, Infinity);
    const head: Head = {
      revision: places.last,
      isTombstoned: tombstone !== undefined,
      hasMetadata: metadata !== undefined,
      metadata: metadata?.metadata,
      metadataPosition: metadata?.position ?? 0,
      ids: this.#idsAtHand(places),
      lastPosition: places.last < 0 ? 0 : this.positionOf(places, places.last),
    };
    this.#heads.set(stream, head);
    return head;
  }

  /** What is known of a stream, if it was asked for before. */
  knownHead(stream: string): Head | undefined {
    return this.#heads.get(stream);
  }

  /** Adds the id of a stream's next event, if its ids are in memory. */
  addId(stream: string, { ids }: Head, idHash: number): void {
    if (ids === undefined) return;
    ids.add(idHash);
    if (ids.count % idsBetween === 0 && ids.count > idsBetween) this.#keepWithinBounds(stream, ids.count);
  }

  forget(): void {
    this.#heads.clear();
    this.#remembered.clear();
    this.#ids = 0;
    this.#block = undefined;
  }

  /** What an append needs to know. */
  factsOf(stream: StreamName): StreamFacts {
    this.checkEnd(stream);
    return new Facts(this, stream, this.head(stream));
  }

  /** The id of a stream's event, if there is one. */
  idAt(stream: StreamName, at: number): string | undefined {
    return this.#idAt(this.places(stream), at);
  }

  /**
   * Looks whether it is known where a stream ends.
   *
   * @throws EventDamaged when a lost event may be its last one.
   */
  checkEnd(stream: string): void {
    const { lost } = this.#tail;
    if (lost.isEmpty) return;
    const places = this.places(stream);
    const at = lost.firstAfter(places.last < 0 ? 0 : this.positionOf(places, places.last));
    if (at === undefined) return;
    throw new EventDamaged(asPosition(at), `it may be the last one of ${stream}, to which nothing can be appended`);
  }

  /** What to say of a number whose event is lost. */
  lostAt(stream: string, number: number, before: number): EventDamaged {
    return new EventDamaged(asPosition(this.#tail.lost.lastBefore(before) ?? before), `it was ${number}@${stream}`);
  }

  /** The first revision of a stream, from `from` on, at which an id stands, or -1. */
  findId(stream: StreamName, head: Head, { id, from }: { id: string; from: number }): number {
    head.ids ??= this.#loadIds(stream);
    const found = head.ids.revisionsOf(idHashOf(id));
    if (found.length === 0) return -1;
    const places = this.places(stream);
    return found.find((at) => at >= from && this.#idAt(places, at) === id) ?? -1;
  }

  /** The ids of a stream that has no more than one block, as most have. */
  #idsAtHand({ stream, indexed, lastBlock, tail }: Places): IdLookup | undefined {
    if (indexed > 0 && lastBlock?.first !== 0) return undefined;
    const ids = new IdLookup();
    for (let at = 0; at < indexed; at += 1) ids.add(lastBlock!.idHashes[at]!);
    if (tail.length > 0) for (const hash of this.#tail.idHashesOf(stream)) ids.add(hash);
    return ids;
  }

  #loadIds(stream: StreamName): IdLookup {
    const { streamId, indexed, lastBlock } = this.places(stream);
    const tail = this.#tail.idHashesOf(stream);
    const ids = new IdLookup();
    ids.reserve(indexed + tail.length);
    const closed = Math.min(indexed, lastBlock?.first ?? 0);
    for (let first = 0; first < closed; first = ids.count) {
      for (const stored of this.#log.blocks(streamId!, first, Math.min(first + idsAtOnce, closed) - 1)) {
        // It has an id.
        if (stored.first !== ids.count) throw new IndexDamaged(`${stream} has a gap at ${ids.count}`);
        eachIdHash(stream, stored, (lower, upper) => {
          if (ids.count < closed) ids.addParts(lower, upper);
        });
      }
      if (ids.count === first) throw new IndexDamaged(`${stream} has a gap at ${first}`);
    }
    for (let at = closed; at < indexed; at += 1) ids.add(lastBlock!.idHashes[at - closed]!); // It begins there.
    for (const hash of tail) ids.add(hash);
    this.#keepWithinBounds(stream, ids.count);
    return ids;
  }

  /** Notes how many ids of a stream are remembered. When there are too many, those of the first streams are forgotten. */
  #keepWithinBounds(stream: string, count: number): void {
    this.#forgetIds(stream);
    this.#remembered.set(stream, count);
    this.#ids += count;
    for (const name of this.#remembered.keys()) {
      if (this.#ids <= this.#idsAtMost || name === stream) return;
      const head = this.#heads.get(name);
      if (head !== undefined) head.ids = undefined;
      this.#forgetIds(name);
    }
  }

  #forgetHead(stream: string): void {
    this.#heads.delete(stream);
    this.#forgetIds(stream);
  }

  #forgetIds(stream: string): void {
    this.#ids -= this.#remembered.get(stream) ?? 0;
    this.#remembered.delete(stream);
  }

  #idAt(places: Places, at: number): string | undefined {
    if (at < 0 || at > places.last) return undefined;
    const position = this.positionOf(places, at);
    const { id, revision } = decodeRecord(this.#writer.record(position), position);
    if (revision !== BigInt(at)) throw this.lostAt(places.stream, at, position);
    return id;
  }

  #placesIn(row: StreamRow | undefined, stream: string, bound: number): Places {
    const tail = this.#tail.positionsOf(stream, bound);
    const lastBlock = row?.lastBlock && decodeBlock(stream, row.lastBlock);
    const streamId = row?.id;
    const indexed =
      lastBlock === undefined
        ? 0
        : this.#indexed(lastBlock, { stream, streamId: row!.id, bound: Math.min(bound, this.#tail.indexed) });
    return { stream, streamId, indexed, lastBlock, tail, last: indexed + tail.length - 1 };
  }

  /** How many of an indexed stream's events stand at or before `bound`. */
  #indexed(last: Block, look: { readonly stream: string; readonly streamId: number; readonly bound: number }): number {
    let block = last;
    while (block.positions[0]! > look.bound) {
      const before = block.first > 0 ? this.#log.blockBefore(look.streamId, block.first) : undefined;
      if (before === undefined) return 0;
      block = decodeBlock(look.stream, before);
    }
    return block.first + countUpTo(block.positions, look.bound);
  }

  /** The block of an indexed stream that holds a number. */
  #blockWith({ stream, streamId, lastBlock }: Places, number: number): Block {
    if (lastBlock !== undefined && number >= lastBlock.first) return lastBlock;
    const held = this.#block;
    const isHeld =
      held !== undefined &&
      held.streamId === streamId &&
      number >= held.block.first &&
      number < held.block.first + held.block.positions.length;
    if (isHeld) return held.block;
    const stored = this.#log.blockBefore(streamId!, number + 1); // A stream with indexed events has an id.
    if (stored === undefined) throw new IndexDamaged(`${stream} has a gap at ${number}`);
    const block = decodeBlock(stream, stored);
    this.#block = { streamId: streamId!, block };
    return block;
  }

  #tombstoneIn(row: StreamRow | undefined, stream: string, bound: number = Infinity): number | undefined {
    return this.#tail.tombstoneOf(stream, bound) ?? row?.tombstone;
  }

  #readMetadata(
    stream: StreamName,
    bound: number,
  ): { readonly metadata: StreamMetadata; readonly position: number } | undefined {
    const metadataStream = metadataStreamOf(stream);
    if (!this.marked.isDescribed(metadataStream)) return undefined;
    const places = this.places(metadataStream, bound);
    if (places.last < 0) return undefined;
    const position = this.positionOf(places, places.last);
    return { metadata: parseStreamMetadata(decodeRecord(this.#writer.record(position), position).data), position };
  }
}

/** What an append needs to know, of what is known of a stream at this moment. */
class Facts implements StreamFacts {
  readonly revision: number;
  readonly firstVisible: number;
  readonly isDeleted: boolean;
  readonly isTombstoned: boolean;
  readonly hasMetadata: boolean;
  readonly #streams: Streams;
  readonly #stream: StreamName;
  readonly #head: Head;

  constructor(streams: Streams, stream: StreamName, head: Head) {
    const { revision, metadata, isTombstoned, hasMetadata } = head;
    this.revision = revision;
    this.firstVisible = firstVisible(stream, revision, metadata);
    this.isDeleted = metadata !== undefined && isDeleted(metadata);
    this.isTombstoned = isTombstoned;
    this.hasMetadata = hasMetadata;
    this.#streams = streams;
    this.#stream = stream;
    this.#head = head;
  }

  idAt(at: number): string | undefined {
    return at > this.revision ? undefined : this.#streams.idAt(this.#stream, at);
  }

  findId(id: string, from: number): number {
    return this.revision < from ? -1 : this.#streams.findId(this.#stream, this.#head, { id, from });
  }
}
