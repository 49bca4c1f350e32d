import type { ContentType, PackedEvent, PackedPage } from 'daybook';

import type { UuidForm } from './shared.ts';
import { createdBytes, writeCreated } from './write-created.ts';
import { encoded, fieldBytes, varintSize, writeVarint } from './writer.ts';

/** A gRPC frame begins with five bytes. */
const prefixBytes = 5;

/** All that an event has besides its own bytes is less: tags, lengths, numbers, the UUID, the time, names of metadata. */
const fixedBytes = 320;

/** A UUID as text in its message, and the field that this is. */
const uuidTextBytes = 40;

/** Stretches up to this length are copied here: for them a call out of JavaScript costs more than the loop. */
const shortBytes = 48;

/** The key in the entry of the type. */
const typeKey: Buffer = Buffer.from('\x0a\x04type', 'latin1');

const contentTypes: Readonly<Record<ContentType, Buffer>> = {
  'application/json': contentTypeEntry('application/json'),
  'application/octet-stream': contentTypeEntry('application/octet-stream'),
};

const digits: Buffer = Buffer.from('0123456789abcdef', 'latin1');

/** Writes events of a page as framed `ReadResp` messages, one behind the other, as `EventFrames` does. */
export function packedFrames(page: PackedPage, events: readonly PackedEvent[], form: UuidForm): Buffer {
  return new PackedFrames(page, events, form).finish();
}

class PackedFrames {
  readonly #source: Buffer;
  readonly #target: Buffer;
  readonly #form: UuidForm;
  #at = 0;

  constructor({ bytes }: PackedPage, events: readonly PackedEvent[], form: UuidForm) {
    let bytesAtMost = 0;
    for (const { typeAt, end } of events) bytesAtMost += fixedBytes + end - typeAt;
    this.#source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#target = Buffer.allocUnsafe(bytesAtMost);
    this.#form = form;
    for (const event of events) this.#frame(event);
  }

  finish(): Buffer {
    return this.#target.subarray(0, this.#at);
  }

  #frame(event: PackedEvent): void {
    const size = this.#eventBytes(event);
    const readEventBytes = fieldBytes(size) + 1 + varintSize(event.position);
    this.#prefix(fieldBytes(readEventBytes));
    this.#number(0x0a, readEventBytes);
    this.#number(0x0a, size);
    this.#event(event);
    this.#number(0x18, event.position);
  }

  /** How many bytes the `RecordedEvent` has. */
  #eventBytes(event: PackedEvent): number {
    const { position, revision, typeAt, streamAt, metadataAt, dataAt, end } = event;
    const metadata = dataAt - metadataAt;
    const data = end - dataAt;
    return (
      (this.#form === 'string' ? uuidTextBytes : fieldBytes(this.#halvesBytes(event.idAt))) +
      fieldBytes(fieldBytes(metadataAt - streamAt)) +
      (revision === 0 ? 0 : 1 + varintSize(revision)) +
      2 * (1 + varintSize(position)) +
      fieldBytes(typeEntryBytes(streamAt - typeAt)) +
      contentTypes[event.contentType].length +
      createdBytes(event.createdMs) +
      (metadata === 0 ? 0 : fieldBytes(metadata)) +
      (data === 0 ? 0 : fieldBytes(data))
    );
  }

  #event(event: PackedEvent): void {
    const { position, revision, idAt, typeAt, streamAt, metadataAt, dataAt, end } = event;
    if (this.#form === 'string') this.#idText(idAt);
    else this.#halves(idAt);
    this.#number(0x12, fieldBytes(metadataAt - streamAt));
    this.#part(0x1a, streamAt, metadataAt);
    if (revision !== 0) this.#number(0x18, revision);
    this.#number(0x20, position);
    this.#number(0x28, position);
    this.#number(0x32, typeEntryBytes(streamAt - typeAt));
    this.#constant(typeKey);
    this.#part(0x12, typeAt, streamAt);
    this.#constant(contentTypes[event.contentType]);
    this.#at = writeCreated(this.#target, this.#at, event.createdMs);
    if (dataAt > metadataAt) this.#part(0x3a, metadataAt, dataAt);
    if (end > dataAt) this.#part(0x42, dataAt, end);
  }

  /** What stands before a message of gRPC: not compressed, and its length. */
  #prefix(length: number): void {
    this.#target[this.#at] = 0;
    this.#target.writeUInt32BE(length, this.#at + 1);
    this.#at += prefixBytes;
  }

  #number(tag: number, value: number | bigint): void {
    this.#target[this.#at] = tag;
    this.#at = writeVarint(this.#target, this.#at + 1, value);
  }

  /** A field that holds these bytes of the page. */
  #part(tag: number, from: number, to: number): void {
    this.#number(tag, to - from);
    const target = this.#target;
    const source = this.#source;
    let at = this.#at;
    if (to - from > shortBytes) at += source.copy(target, at, from, to);
    else for (let index = from; index < to; index += 1) target[at++] = source[index]!; // Within it.
    this.#at = at;
  }

  #constant(bytes: Buffer): void {
    const target = this.#target;
    let at = this.#at;
    for (let index = 0; index < bytes.length; index += 1) target[at++] = bytes[index]!; // Within it.
    this.#at = at;
  }

  /** The field of a UUID that is text: 32 digits and four hyphens. */
  #idText(idAt: number): void {
    const target = this.#target;
    const source = this.#source;
    let at = this.#at;
    target[at++] = 0x0a;
    target[at++] = uuidTextBytes - 2;
    target[at++] = 0x12;
    target[at++] = uuidTextBytes - 4;
    for (let index = 0; index < 16; index += 1) {
      if (index === 4 || index === 6 || index === 8 || index === 10) target[at++] = 0x2d;
      const byte = source[idAt + index]!; // An id has 16 bytes.
      target[at++] = digits[byte >> 4]!; // One of sixteen.
      target[at++] = digits[byte & 15]!; // The same.
    }
    this.#at = at;
  }

  /** How many bytes two halves of a UUID take in their message, with the field that this is. */
  #halvesBytes(idAt: number): number {
    const [most, least] = [this.#source.readBigUInt64BE(idAt), this.#source.readBigUInt64BE(idAt + 8)];
    return fieldBytes(2 + varintSize(most) + varintSize(least));
  }

  /** The field of a UUID that is two numbers of 64 bits. */
  #halves(idAt: number): void {
    const size = this.#halvesBytes(idAt);
    this.#number(0x0a, size);
    this.#number(0x0a, size - 2); // Tag and length take two: it is never longer than one byte says.
    this.#number(0x08, this.#source.readBigUInt64BE(idAt));
    this.#number(0x10, this.#source.readBigUInt64BE(idAt + 8));
  }
}

/** The entry of the type in the map of metadata, without its tag and length. */
function typeEntryBytes(typeBytes: number): number {
  return typeKey.length + fieldBytes(typeBytes);
}

function contentTypeEntry(contentType: ContentType): Buffer {
  return encoded((writer) => writer.message(6, (entry) => entry.string(1, 'content-type').string(2, contentType)));
}
