import type { StreamFacts } from '../internal/decide-append.ts';
import { firstVisible, isOutlived } from '../internal/visible.ts';
import { derivedStream, derivedStreamsOf } from '../store/derived-stream.ts';
import type { ContentType, NewEvent, RecordedEvent } from '../store/event.ts';
import { position, revision, tombstoneRevision, type Revision } from '../store/position.ts';
import { isDeleted, parseStreamMetadata, tombstoneType, type StreamMetadata } from '../store/stream-metadata.ts';
import { describedStreamOf, metadataStreamOf, type StreamName } from '../store/stream-name.ts';

/** An event as it lies in the log. Its position is its place in the array plus one. */
export interface StoredEvent {
  readonly stream: StreamName;
  readonly revision: Revision;
  readonly position: number;
  readonly id: string;
  readonly type: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
  readonly contentType: ContentType;
  readonly createdMs: number;
  /** A scavenge took its bytes. */
  readonly isFreed: boolean;
}

interface Stream {
  /** The positions of its events, by revision. */
  readonly positions: number[];
  /** The revisions at which an id stands, in order. */
  readonly revisionsById: Map<string, number[]>;
  metadata?: StreamMetadata;
  tombstone?: StoredEvent;
}

const none: readonly number[] = [];

/** The events, and the indexes over them: by stream, by derived stream, by id within a stream. */
export class Log {
  readonly #events: StoredEvent[] = [];
  readonly #streams = new Map<StreamName, Stream>();
  readonly #derived = new Map<StreamName, number[]>();

  /** The position of the last event, 0 when there is none. */
  get end(): number {
    return this.#events.length;
  }

  get events(): readonly StoredEvent[] {
    return this.#events;
  }

  /** The event at a position, which must be there. */
  at(place: number): StoredEvent {
    return this.#events[place - 1]!;
  }

  /** The positions of the events of a stream by revision, or of a derived stream by number. */
  positionsOf(stream: StreamName): readonly number[] {
    return this.#derived.get(stream) ?? this.#streams.get(stream)?.positions ?? none;
  }

  /** The names of all streams that have, or had, an event or metadata. */
  streams(): Iterable<StreamName> {
    return this.#streams.keys();
  }

  derivedStreams(): Iterable<StreamName> {
    return this.#derived.keys();
  }

  metadataOf(stream: StreamName): StreamMetadata | undefined {
    return this.#streams.get(stream)?.metadata;
  }

  /** The event that closed a stream for good. It closes the metadata of that stream too. */
  tombstoneOf(stream: StreamName): StoredEvent | undefined {
    return this.#streams.get(describedStreamOf(stream) ?? stream)?.tombstone;
  }

  /** The first revision of a stream that its metadata leave visible. */
  firstVisible(stream: StreamName): number {
    if (derivedStream(stream) !== undefined) return 0;
    return firstVisible(stream, this.positionsOf(stream).length - 1, this.metadataOf(stream));
  }

  /** Whether a read of the event's own stream gives it. */
  shows(event: StoredEvent, nowMs: number): boolean {
    if (event.isFreed || this.tombstoneOf(event.stream) !== undefined) return false;
    if (event.revision < this.firstVisible(event.stream)) return false;
    return !isOutlived(event.createdMs, nowMs, this.metadataOf(event.stream));
  }

  factsOf(stream: StreamName): StreamFacts {
    const known = this.#streams.get(stream);
    const metadata = known?.metadata;
    return {
      revision: (known?.positions.length ?? 0) - 1,
      firstVisible: this.firstVisible(stream),
      isDeleted: metadata !== undefined && isDeleted(metadata),
      isTombstoned: this.tombstoneOf(stream) !== undefined,
      hasMetadata: this.positionsOf(metadataStreamOf(stream)).length > 0,
      idAt: (at) => {
        const place = known?.positions[at];
        return place === undefined ? undefined : this.at(place).id;
      },
      findId: (id, from) => known?.revisionsById.get(id)?.find((at) => at >= from) ?? -1,
    };
  }

  /** Puts an event at the end of its stream and of the log. */
  add(stream: StreamName, event: NewEvent, nowMs: number): StoredEvent {
    const known = this.#stream(stream);
    const at = known.positions.length;
    const stored = this.#store(stream, { event, at: revision(at), nowMs });
    known.positions.push(stored.position);
    const revisions = known.revisionsById.get(stored.id);
    if (revisions === undefined) known.revisionsById.set(stored.id, [at]);
    else revisions.push(at);
    for (const derived of derivedStreamsOf(stored)) {
      const positions = this.#derived.get(derived);
      if (positions === undefined) this.#derived.set(derived, [stored.position]);
      else positions.push(stored.position);
    }
    const described = describedStreamOf(stream);
    // A metadata stream has no metadata of its own: only its last event counts, always.
    if (described !== undefined && describedStreamOf(described) === undefined) {
      this.#stream(described).metadata = parseStreamMetadata(stored.data);
    }
    return stored;
  }

  /** Closes a stream for good. */
  addTombstone(stream: StreamName, nowMs: number): StoredEvent {
    const event: NewEvent = { id: crypto.randomUUID(), type: tombstoneType, data: new Uint8Array(0) };
    const stored = this.#store(stream, { event, at: tombstoneRevision, nowMs });
    this.#stream(stream).tombstone = stored;
    return stored;
  }

  /** Forgets the bytes of an event. Its place stays taken. */
  free(place: number): void {
    const empty = new Uint8Array(0);
    this.#events[place - 1] = { ...this.at(place), data: empty, metadata: empty, isFreed: true };
  }

  #stream(name: StreamName): Stream {
    const known = this.#streams.get(name);
    if (known !== undefined) return known;
    const stream: Stream = { positions: [], revisionsById: new Map() };
    this.#streams.set(name, stream);
    return stream;
  }

  #store(stream: StreamName, facts: { event: NewEvent; at: Revision; nowMs: number }): StoredEvent {
    const { event, at, nowMs } = facts;
    const stored: StoredEvent = {
      stream,
      revision: at,
      position: this.#events.length + 1,
      id: event.id.toLowerCase(),
      type: event.type,
      // Copies: what the writer does to its bytes afterwards must not change the log.
      data: new Uint8Array(event.data),
      metadata: new Uint8Array(event.metadata ?? []),
      contentType: event.contentType ?? 'application/octet-stream',
      createdMs: Math.trunc(event.created?.getTime() ?? nowMs),
      isFreed: false,
    };
    this.#events.push(stored);
    return stored;
  }
}

/** An event as a caller gets it: with bytes of its own. */
export function recorded(event: StoredEvent): RecordedEvent {
  return {
    stream: event.stream,
    revision: event.revision,
    position: position(event.position),
    id: event.id,
    type: event.type,
    data: new Uint8Array(event.data),
    metadata: new Uint8Array(event.metadata),
    contentType: event.contentType,
    created: new Date(event.createdMs),
  };
}
