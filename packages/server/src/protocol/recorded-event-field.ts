import type { ContentType, RecordedEvent } from 'daybook';

import { writeUuid, type UuidForm } from './shared.ts';
import { textBytes, writeText } from './text-bytes.ts';
import { createdBytes, writeCreated } from './write-created.ts';
import { encoded, fieldBytes, varintSize, writeVarint } from './writer.ts';

/** Types that are remembered as bytes: most events share theirs with others of the same read. */
const rememberedAtMost = 512;

/** Tags, lengths, numbers, the UUID, the time, and the names of what the map of metadata holds: less than this. */
const fixedBytes = 256;

const noBytes: Buffer = Buffer.alloc(0);

/** A UUID as text: a message of a field of 36 characters. */
const uuidTextBytes = 40;

/**
 * A field that holds a `RecordedEvent`. Its length stands before it, so an event is measured first and written then. One
 * is used for event after event, so that nothing has to be made for each of them.
 */
export class RecordedEventField {
  /** Of the event that was measured last. */
  position: number | bigint = 0;
  readonly #form: UuidForm;
  readonly #types: Readonly<Record<ContentType, Map<string, Buffer>>> = {
    'application/json': new Map(),
    'application/octet-stream': new Map(),
  };
  #sizeBytes = 0;
  #streamBytes = 0;
  #revision: number | bigint = 0;
  #typeEntries: Buffer = noBytes;
  #halves: Buffer = noBytes;

  constructor(form: UuidForm) {
    this.#form = form;
  }

  /** How many bytes the field takes with this event. */
  measure(event: RecordedEvent): number {
    const { stream, id, created, metadata, data } = event;
    this.position = exact(event.position);
    this.#revision = exact(event.revision);
    this.#streamBytes = textBytes(stream);
    this.#typeEntries = this.#entriesOf(event);
    if (this.#form === 'structured') this.#halves = encoded((writer) => writeUuid(writer, id, 'structured'));
    this.#sizeBytes =
      (this.#form === 'string' ? uuidTextBytes : fieldBytes(this.#halves.length)) +
      fieldBytes(fieldBytes(this.#streamBytes)) +
      (this.#revision === 0 ? 0 : 1 + varintSize(this.#revision)) +
      2 * (1 + varintSize(this.position)) +
      this.#typeEntries.length +
      createdBytes(created.getTime()) +
      (metadata.length === 0 ? 0 : fieldBytes(metadata.length)) +
      (data.length === 0 ? 0 : fieldBytes(data.length));
    return fieldBytes(this.#sizeBytes);
  }

  /** Writes the event that was measured last, and says where it ends. */
  write(bytes: Buffer, start: number, tag: number, event: RecordedEvent): number {
    const { metadata, data } = event;
    const position = this.position;
    bytes[start] = tag;
    let at = writeVarint(bytes, start + 1, this.#sizeBytes);
    at = this.#writeId(bytes, at, event.id);
    at = this.#writeStream(bytes, at, event.stream);
    if (this.#revision !== 0) {
      bytes[at] = 0x18;
      at = writeVarint(bytes, at + 1, this.#revision);
    }
    bytes[at] = 0x20;
    at = writeVarint(bytes, at + 1, position);
    bytes[at] = 0x28;
    at = writeVarint(bytes, at + 1, position);
    bytes.set(this.#typeEntries, at);
    at = writeCreated(bytes, at + this.#typeEntries.length, event.created.getTime());
    if (metadata.length > 0) at = writeField(bytes, at, 0x3a, metadata);
    if (data.length > 0) at = writeField(bytes, at, 0x42, data);
    return at;
  }

  #writeId(bytes: Buffer, at: number, id: string): number {
    if (this.#form === 'structured') return writeField(bytes, at, 0x0a, this.#halves);
    bytes[at] = 0x0a;
    bytes[at + 1] = uuidTextBytes - 2;
    bytes[at + 2] = 0x12;
    bytes[at + 3] = uuidTextBytes - 4;
    return writeText(bytes, at + 4, id, uuidTextBytes - 4);
  }

  #writeStream(bytes: Buffer, at: number, stream: string): number {
    bytes[at] = 0x12;
    at = writeVarint(bytes, at + 1, fieldBytes(this.#streamBytes));
    bytes[at] = 0x1a;
    at = writeVarint(bytes, at + 1, this.#streamBytes);
    return writeText(bytes, at, stream, this.#streamBytes);
  }

  /** The entries of the map of metadata that say what an event is. */
  #entriesOf({ type, contentType }: RecordedEvent): Buffer {
    const known = this.#types[contentType];
    const entries = known.get(type);
    if (entries !== undefined) return entries;
    if (known.size >= rememberedAtMost) known.clear();
    const made = encoded((writer) => {
      writer.message(6, (entry) => entry.string(1, 'type').string(2, type));
      writer.message(6, (entry) => entry.string(1, 'content-type').string(2, contentType));
    });
    known.set(type, made);
    return made;
  }
}

/** No field that holds this event takes more bytes. */
export function fieldBytesAtMost({ stream, type, data, metadata }: RecordedEvent): number {
  return fixedBytes + 3 * (stream.length + type.length) + data.length + metadata.length;
}

/** The same number: as a double, which is fast, unless it would lose digits, as the revision of a tombstone does. */
function exact(value: bigint): number | bigint {
  const double = Number(value);
  return double <= Number.MAX_SAFE_INTEGER ? double : value;
}

function writeField(bytes: Buffer, at: number, tag: number, value: Uint8Array): number {
  bytes[at] = tag;
  const start = writeVarint(bytes, at + 1, value.length);
  bytes.set(value, start);
  return start + value.length;
}
