import type { RecordedEvent } from 'daybook';

import { writeUuid, type UuidForm } from './shared.ts';
import { encoded, varintSize, writeVarint } from './writer.ts';

/** What a read gives: an event, the link that led to it, or a link whose event is gone. */
export type ReadEvent =
  | { readonly event: RecordedEvent; readonly link?: RecordedEvent }
  | { readonly event?: undefined; readonly link: RecordedEvent };

/** Names and types that are remembered as bytes: most events share theirs with others of the same read. */
const rememberedAtMost = 512;

/** A gRPC frame begins with five bytes, the tags of the fields below take one each. */
const prefixBytes = 5;

/** Ticks of 100 nanoseconds in a millisecond, as what follows the milliseconds in decimals. */
const ticks = '0000';

/** The parts of a `RecordedEvent` that are measured before anything is written. */
interface Measured {
  readonly event: RecordedEvent;
  readonly id: Buffer | undefined;
  readonly stream: Buffer;
  readonly type: Buffer;
  readonly created: string;
  readonly sizeBytes: number;
}

interface MeasuredResponse {
  readonly event: Measured | undefined;
  readonly link: Measured | undefined;
  readonly position: bigint;
  /** Of the `ReadEvent`. */
  readonly sizeBytes: number;
  /** Of the frame and all in it. */
  readonly frameBytes: number;
}

/**
 * Writes events as framed `ReadResp` messages, many into one piece of memory that has just the size they need. One per
 * call: it remembers names and types.
 */
export class EventFrames {
  readonly #form: UuidForm;
  readonly #streams = new Map<string, Buffer>();
  readonly #types = new Map<string, Buffer>();

  constructor(form: UuidForm) {
    this.#form = form;
  }

  /** The frames of these events, one behind the other. */
  frames(events: readonly ReadEvent[]): Buffer {
    const responses = events.map((event) => this.#measure(event));
    const bytes = Buffer.allocUnsafe(responses.reduce((sum, { frameBytes }) => sum + frameBytes, 0));
    let at = 0;
    for (const response of responses) at = writeResponse(bytes, at, response);
    return bytes;
  }

  #measure({ event, link }: ReadEvent): MeasuredResponse {
    const measuredEvent = event && this.#measureEvent(event);
    const measuredLink = link && this.#measureEvent(link);
    const { position } = (link ?? event)!; // A `ReadEvent` has one of both.
    const sizeBytes =
      (measuredEvent === undefined ? 0 : fieldSize(measuredEvent.sizeBytes)) +
      (measuredLink === undefined ? 0 : fieldSize(measuredLink.sizeBytes)) +
      1 +
      varintSize(position);
    return {
      event: measuredEvent,
      link: measuredLink,
      position,
      sizeBytes,
      frameBytes: prefixBytes + fieldSize(sizeBytes),
    };
  }

  #measureEvent(event: RecordedEvent): Measured {
    const id = this.#form === 'string' ? undefined : encoded((writer) => writeUuid(writer, event.id, this.#form));
    const stream = remembered(this.#streams, event.stream, () => streamField(event.stream));
    const type = remembered(this.#types, event.contentType + event.type, () => typeEntries(event));
    const ms = event.created.getTime();
    const created = ms === 0 ? '0' : `${ms}${ticks}`;
    const sizeBytes =
      fieldSize(id === undefined ? 2 + 36 : id.length) +
      stream.length +
      (event.revision === 0n ? 0 : 1 + varintSize(event.revision)) +
      2 * (1 + varintSize(event.position)) +
      type.length +
      createdEntrySize(created) +
      (event.metadata.length === 0 ? 0 : fieldSize(event.metadata.length)) +
      (event.data.length === 0 ? 0 : fieldSize(event.data.length));
    return { event, id, stream, type, created, sizeBytes };
  }
}

function writeResponse(bytes: Buffer, start: number, response: MeasuredResponse): number {
  let at = start;
  bytes[at++] = 0;
  at = bytes.writeUInt32BE(response.frameBytes - prefixBytes, at);
  bytes[at++] = 0x0a;
  at = writeVarint(bytes, at, response.sizeBytes);
  if (response.event !== undefined) at = writeEvent(bytes, at, { tag: 0x0a, ...response.event });
  if (response.link !== undefined) at = writeEvent(bytes, at, { tag: 0x12, ...response.link });
  bytes[at++] = 0x18;
  return writeVarint(bytes, at, response.position);
}

function writeEvent(bytes: Buffer, start: number, measured: Measured & { readonly tag: number }): number {
  const { event, id, stream, type, created, sizeBytes, tag } = measured;
  let at = start;
  bytes[at++] = tag;
  at = writeVarint(bytes, at, sizeBytes);
  at = id === undefined ? writeId(bytes, at, event.id) : writeBytes(bytes, at, { tag: 0x0a, value: id });
  bytes.set(stream, at);
  at += stream.length;
  if (event.revision !== 0n) {
    bytes[at++] = 0x18;
    at = writeVarint(bytes, at, event.revision);
  }
  bytes[at++] = 0x20;
  at = writeVarint(bytes, at, event.position);
  bytes[at++] = 0x28;
  at = writeVarint(bytes, at, event.position);
  bytes.set(type, at);
  at += type.length;
  at = writeCreated(bytes, at, created);
  if (event.metadata.length > 0) at = writeBytes(bytes, at, { tag: 0x3a, value: event.metadata });
  if (event.data.length > 0) at = writeBytes(bytes, at, { tag: 0x42, value: event.data });
  return at;
}

/** A UUID as text has 36 characters, always. */
function writeId(bytes: Buffer, at: number, id: string): number {
  bytes[at] = 0x0a;
  bytes[at + 1] = 38;
  bytes[at + 2] = 0x12;
  bytes[at + 3] = 36;
  bytes.write(id, at + 4, 36, 'latin1');
  return at + 40;
}

function writeBytes(bytes: Buffer, at: number, { tag, value }: { tag: number; value: Uint8Array }): number {
  bytes[at] = tag;
  at = writeVarint(bytes, at + 1, value.length);
  bytes.set(value, at);
  return at + value.length;
}

/** `created` as an entry of the map of metadata: its key, then ticks since 1970 in decimals. */
const createdKey: Buffer = encoded((writer) => writer.string(1, 'created'));

function createdEntrySize(created: string): number {
  return 2 + createdKey.length + 2 + created.length;
}

function writeCreated(bytes: Buffer, at: number, created: string): number {
  bytes[at++] = 0x32;
  bytes[at++] = createdKey.length + 2 + created.length;
  bytes.set(createdKey, at);
  at += createdKey.length;
  bytes[at++] = 0x12;
  bytes[at++] = created.length;
  bytes.write(created, at, created.length, 'latin1');
  return at + created.length;
}

/** The field of a `RecordedEvent` that names its stream. */
function streamField(stream: string): Buffer {
  return encoded((writer) => writer.message(2, (identifier) => identifier.string(3, stream)));
}

/** The entries of the map of metadata that say what an event is. */
function typeEntries({ type, contentType }: RecordedEvent): Buffer {
  return encoded((writer) => {
    writer.message(6, (entry) => entry.string(1, 'type').string(2, type));
    writer.message(6, (entry) => entry.string(1, 'content-type').string(2, contentType));
  });
}

function remembered(memory: Map<string, Buffer>, key: string, make: () => Buffer): Buffer {
  const known = memory.get(key);
  if (known !== undefined) return known;
  if (memory.size >= rememberedAtMost) memory.clear();
  const made = make();
  memory.set(key, made);
  return made;
}

/** How many bytes a field takes that holds so many bytes. */
function fieldSize(length: number): number {
  return 1 + varintSize(length) + length;
}
