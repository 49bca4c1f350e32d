import { crc32 } from 'node:zlib';

import { EventDamaged } from '../store/errors.ts';
import type { ContentType, NewEvent, RecordedEvent } from '../store/event.ts';
import type { PackedEvent } from '../store/packed-page.ts';
import { tombstoneRevision, type Position, type Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import { KnownTexts, LastText } from './known-texts.ts';
import type { LocatedRecord } from './records-at.ts';

/*
 * An event as the bytes of one row. Numbers are little-endian; the first checksum covers all that follows it. The second
 * one covers what stands between it and the metadata: it tells whose event it was when its data are damaged.
 *
 *  0 u32 CRC-32        4 u8 flags       5 u16 length of type   7 u16 length of stream name   9 u32 length of metadata
 * 13 u32 FNV-1a       17 u32 position, the low bits       21 f64 revision (-1: tombstone)
 * 29 f64 created, epoch ms      37 16 bytes id
 * 53 type, stream name, metadata, data
 */
const headBytes = 53;
/** Positions are remembered modulo this: nobody takes a record for one so far away. */
const low = 2 ** 32;
const isJson = 1;
const freed = 2;

/** What an event is to be written as. */
export interface RecordFacts {
  readonly stream: StreamName;
  readonly position: number;
  /** -1: the event that closes the stream for good. */
  readonly revision: number;
  readonly createdMs: number;
  readonly event: NewEvent;
}

/** The part of a record that indexes need. */
export interface RecordHead {
  readonly stream: StreamName;
  readonly position: number;
  readonly revision: number;
  readonly type: string;
  readonly createdMs: number;
  /** The last 48 bits of the event's id, by which it is looked up within its stream. */
  readonly idHash: number;
  readonly metadata: Uint8Array;
  readonly isFreed: boolean;
}

export function encodeRecord({ stream, position, revision, createdMs, event }: RecordFacts): Buffer {
  const { id, type, data, metadata } = event;
  const typeBytes = byteLength(type);
  const nameBytes = byteLength(stream);
  const metadataBytes = metadata?.length ?? 0;
  const bytes = Buffer.allocUnsafe(headBytes + typeBytes + nameBytes + metadataBytes + data.length);
  bytes[4] = event.contentType === 'application/json' ? isJson : 0;
  bytes.writeUInt16LE(typeBytes, 5);
  bytes.writeUInt16LE(nameBytes, 7);
  bytes.writeUInt32LE(metadataBytes, 9);
  bytes.writeUInt32LE(position % low, 17);
  bytes.writeDoubleLE(revision, 21);
  bytes.writeDoubleLE(createdMs, 29);
  writeId(bytes, id);
  writeText(bytes, type, headBytes, typeBytes);
  writeText(bytes, stream, headBytes + typeBytes, nameBytes);
  const nameEnd = headBytes + typeBytes + nameBytes;
  bytes.writeUInt32LE(headHash(bytes, nameEnd), 13);
  const dataStart = nameEnd + metadataBytes;
  if (metadata !== undefined && metadataBytes > 0) bytes.set(metadata, dataStart - metadataBytes);
  bytes.set(data, dataStart);
  return seal(bytes);
}

/** How many bytes a short text has in UTF-8. Most are ASCII, and for those a call into Node costs more than a look. */
function byteLength(text: string): number {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 127) return Buffer.byteLength(text);
  return text.length;
}

function writeText(bytes: Buffer, text: string, start: number, length: number): void {
  if (length !== text.length) bytes.write(text, start);
  else for (let at = 0; at < length; at += 1) bytes[start + at] = text.charCodeAt(at);
}

/** Writes a UUID, which was checked, as 16 bytes. */
function writeId(bytes: Buffer, id: string): void {
  let at = idStart;
  for (let digit = 0; digit < id.length; digit += 2) {
    if (id.charCodeAt(digit) === hyphen) digit += 1;
    bytes[at++] = (valueOf(id.charCodeAt(digit)) << 4) | valueOf(id.charCodeAt(digit + 1));
  }
}

const idStart = 37;
const hyphen = 45;

/** What a hexadecimal digit stands for: 0 to 9 have the codes 48 to 57, and letters of both cases end in their value. */
function valueOf(code: number): number {
  return code < 58 ? code - 48 : (code & 15) + 9;
}

/** The record of an event whose data a scavenge takes. `metadata` is what is still needed to index it. */
export function freedRecord(record: Uint8Array, metadata: Uint8Array): Buffer {
  const bytes = asBuffer(record);
  const names = bytes.readUInt16LE(5) + bytes.readUInt16LE(7);
  const stub = Buffer.concat([bytes.subarray(0, headBytes + names), metadata]);
  stub[4] = (stub[4] ?? 0) | freed;
  stub.writeUInt32LE(metadata.length, 9);
  return seal(stub);
}

/**
 * The event that a row holds.
 *
 * @throws EventDamaged when the bytes are not those that were written at this position.
 */
export function decodeRecord(record: Uint8Array | null, position: number): RecordedEvent {
  return decodeLocated(checked(record, position));
}

/** The same, of a record among others that `checkLocated` has seen. The event is a view of these bytes. */
export function decodeLocated({ bytes, start, end, position }: LocatedRecord): RecordedEvent {
  const typeAt = start + headBytes;
  const nameAt = typeAt + bytes.readUInt16LE(start + 5);
  const metadataAt = nameAt + bytes.readUInt16LE(start + 7);
  const dataAt = metadataAt + bytes.readUInt32LE(start + 9);
  const revision = bytes.readDoubleLE(start + 21);
  const { buffer, byteOffset } = bytes;
  return {
    stream: names.text(bytes, nameAt, metadataAt) as StreamName, // Checked when it was written.
    revision: revision === -1 ? tombstoneRevision : (BigInt(revision) as Revision), // The log gave it.
    position: BigInt(position) as Position, // The log gave it.
    id: idText(bytes, start + idStart),
    type: types.text(bytes, typeAt, nameAt),
    data: new Uint8Array(buffer, byteOffset + dataAt, end - dataAt),
    metadata: dataAt === metadataAt ? noBytes : new Uint8Array(buffer, byteOffset + metadataAt, dataAt - metadataAt),
    contentType: contentTypeOf(bytes[start + 4]!),
    created: new Date(bytes.readDoubleLE(start + 29)),
  };
}

/**
 * Looks whether a record among others is the one that was written at its position.
 *
 * @throws EventDamaged when it is not.
 */
export function checkLocated({ bytes, start, end, position }: LocatedRecord): void {
  if (start === end) throw damaged(position, 'it is missing');
  check(bytes, { start, end, position });
}

/** Whether a scavenge took the data of a record among others. */
export function isLocatedFreed({ bytes, start }: LocatedRecord): boolean {
  return (bytes[start + 4]! & freed) !== 0;
}

/** The stream and the type of a record among others. */
export function namesOf({ bytes, start }: LocatedRecord): { readonly stream: StreamName; readonly type: string } {
  const typeAt = start + headBytes;
  const nameAt = typeAt + bytes.readUInt16LE(start + 5);
  return {
    stream: names.text(bytes, nameAt, nameAt + bytes.readUInt16LE(start + 7)) as StreamName, // Checked when written.
    type: types.text(bytes, typeAt, nameAt),
  };
}

/** Texts that come again and again: a string that is known needs no decoding, and is known to maps already. */
const types = new KnownTexts();
const names = new LastText();
const noBytes = new Uint8Array(0);

/**
 * Where the parts of an event lie in a page of records. Nothing when a scavenge took its data.
 *
 * @throws EventDamaged as `decodeRecord` does.
 */
export function locateRecord(page: Buffer, place: RecordPlace): PackedEvent | undefined {
  const { start, end, position } = place;
  check(page, place);
  const flags = page[start + 4]!; // `check` has seen that it is there.
  if ((flags & freed) !== 0) return undefined;
  const typeAt = start + headBytes;
  const streamAt = typeAt + page.readUInt16LE(start + 5);
  const metadataAt = streamAt + page.readUInt16LE(start + 7);
  const revision = page.readDoubleLE(start + 21);
  return {
    position,
    revision: revision === -1 ? tombstoneRevision : revision,
    createdMs: page.readDoubleLE(start + 29),
    contentType: contentTypeOf(flags),
    idAt: start + 37,
    typeAt,
    streamAt,
    metadataAt,
    dataAt: metadataAt + page.readUInt32LE(start + 9),
    end,
  };
}

/** What indexes need of a row. Throws as `decodeRecord` does. */
export function decodeHead(record: Uint8Array | null, position: number): RecordHead {
  return headIn(checked(record, position));
}

function headIn({ bytes, start, position }: LocatedRecord): RecordHead {
  const typeAt = start + headBytes;
  const nameAt = typeAt + bytes.readUInt16LE(start + 5);
  const metadataAt = nameAt + bytes.readUInt16LE(start + 7);
  const metadataBytes = bytes.readUInt32LE(start + 9);
  return {
    stream: names.text(bytes, nameAt, metadataAt) as StreamName, // Checked when it was written.
    position,
    revision: bytes.readDoubleLE(start + 21),
    type: types.text(bytes, typeAt, nameAt),
    createdMs: bytes.readDoubleLE(start + 29),
    idHash: bytes.readUIntBE(start + 47, 6),
    metadata: metadataBytes === 0 ? noBytes : bytes.subarray(metadataAt, metadataAt + metadataBytes),
    isFreed: (bytes[start + 4]! & freed) !== 0,
  };
}

/** What indexes can tell of a row: no head when it cannot be told any more whose event it was. */
interface Told {
  readonly head?: RecordHead;
  readonly damage?: EventDamaged;
}

/** What indexes need of a row, and what is wrong with it. */
export function headOf(record: Uint8Array, position: number): Told {
  return headAt(located(record, position));
}

/** The same, of a record among others. */
export function headAt(record: LocatedRecord): Told {
  try {
    check(record.bytes, record);
    return { head: headIn(record) };
  } catch (damage) {
    if (!(damage instanceof EventDamaged)) throw damage;
    const head = salvaged(record.bytes.subarray(record.start, record.end), record.position);
    return head === undefined ? { damage } : { head, damage };
  }
}

/** The checksum that a record among others begins with. */
export function checksumAt({ bytes, start, end }: LocatedRecord): number {
  return end - start < 4 ? -1 : bytes.readUInt32LE(start); // Damaged: whoever decodes it says so.
}

/** What a damaged row says, without its metadata, if the part that says whose event it was is as it was written. */
function salvaged(record: Uint8Array, position: number): RecordHead | undefined {
  const bytes = asBuffer(record);
  if (bytes.length < headBytes) return undefined;
  const nameEnd = headBytes + bytes.readUInt16LE(5) + bytes.readUInt16LE(7);
  const isWhole = bytes.length >= nameEnd && headHash(bytes, nameEnd) === bytes.readUInt32LE(13);
  if (!isWhole || bytes.readUInt32LE(17) !== position % low) return undefined;
  return { ...headIn(located(record, position)), metadata: noBytes };
}

/** Whether a scavenge took the data of a row. */
export function isFreed(record: Uint8Array): boolean {
  return (record[4]! & freed) !== 0;
}

/** The last 48 bits of an id, as `decodeHead` gives them. */
export function idHashOf(id: string): number {
  let high = 0;
  let low24 = 0;
  for (let at = 24; at < 30; at += 1) high = (high << 4) | valueOf(id.charCodeAt(at));
  for (let at = 30; at < 36; at += 1) low24 = (low24 << 4) | valueOf(id.charCodeAt(at));
  return high * 2 ** 24 + low24;
}

/** When the event of a record was created. */
export function createdIn(record: Uint8Array): number {
  if (record.length < headBytes) return 0; // Damaged: whoever decodes it says so.
  return new DataView(record.buffer, record.byteOffset, record.byteLength).getFloat64(29, true);
}

function checked(record: Uint8Array | null, position: number): LocatedRecord {
  if (record === null) throw damaged(position, 'it is missing');
  const whole = located(record, position);
  check(whole.bytes, whole);
  return whole;
}

/** The record of a row, as one among others. */
export function located(record: Uint8Array, position: number): LocatedRecord {
  return { bytes: asBuffer(record), start: 0, end: record.length, position };
}

/** Where a record lies, and whose it must be. */
export interface RecordPlace {
  readonly start: number;
  readonly end: number;
  readonly position: number;
}

function check(bytes: Buffer, { start, end, position }: RecordPlace): void {
  if (end - start < headBytes) throw damaged(position, 'its record is cut off');
  if (crc32(bytes.subarray(start + 4, end)) !== bytes.readUInt32LE(start)) {
    throw damaged(position, 'its checksum does not fit');
  }
  if (bytes.readUInt32LE(start + 17) !== position % low) throw damaged(position, 'it belongs to another position');
}

/** FNV-1a from the position to the end of the stream name. A call of `crc32` would cost more than these few bytes. */
function headHash(bytes: Buffer, nameEnd: number): number {
  let hash = 0x811c9dc5;
  for (let at = 17; at < nameEnd; at += 1) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash >>> 0;
}

function damaged(position: number, problem: string): EventDamaged {
  return new EventDamaged(BigInt(position) as Position, problem); // The log gave it.
}

function contentTypeOf(flags: number): ContentType {
  return (flags & isJson) === 0 ? 'application/octet-stream' : 'application/json';
}

function seal(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

function idText(bytes: Buffer, at: number): string {
  const hex = bytes.toString('hex', at, at + 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
