import { decoded, MalformedMessage, type Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** Which form of UUIDs a client wants: text, or two 64-bit halves. */
export type UuidForm = 'string' | 'structured';

const uuidText = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** `event_store.client.UUID`: text in lower case, from either form. */
export function readUuid(reader: Reader): string {
  let text: string | undefined;
  while (reader.next()) {
    if (reader.field === 1) text = readHalves(reader.message());
    else if (reader.field === 2) text = parseUuid(reader.string());
    else reader.skip();
  }
  if (text === undefined) throw new MalformedMessage('A UUID is empty.');
  return text;
}

/** Text as a UUID in lower case, with or without hyphens. */
export function parseUuid(text: string): string {
  const lower = text.toLowerCase();
  if (uuidText.test(lower)) return lower;
  if (/^[0-9a-f]{32}$/.test(lower)) return hyphenated(lower);
  throw new MalformedMessage('A text is no UUID.');
}

/** The same UUID as a message in the form that the client wants. */
export function writeUuid(writer: Writer, uuid: string, form: UuidForm): void {
  if (form === 'string') {
    writer.string(2, uuid);
    return;
  }
  writer.message(1, (structured) => {
    const hex = uuid.replaceAll('-', '');
    structured.int(1, BigInt.asIntN(64, BigInt(`0x${hex.slice(0, 16)}`)));
    structured.int(2, BigInt.asIntN(64, BigInt(`0x${hex.slice(16)}`)));
  });
}

/** `event_store.client.StreamIdentifier`: the name, in UTF-8. */
export function readStreamIdentifier(reader: Reader): string {
  let name = '';
  while (reader.next()) {
    if (reader.field === 3) name = decoded(reader.bytes());
    else reader.skip();
  }
  return name;
}

/** A stream's name as `event_store.client.StreamIdentifier`. */
export function writeStreamIdentifier(writer: Writer, stream: string): void {
  writer.string(3, stream);
}

/** A position in the log, as the two numbers that the protocol has for it. They are always the same. */
export function writePosition(writer: Writer, position: bigint): void {
  writer.uint(1, position).uint(2, position);
}

/** A time as `google.protobuf.Timestamp`. */
export function writeTimestamp(writer: Writer, epochMs: number): void {
  const seconds = Math.floor(epochMs / 1_000);
  writer.int(1, seconds).int(2, (epochMs - seconds * 1_000) * 1_000_000);
}

/** `google.protobuf.Timestamp` or `google.protobuf.Duration`, in milliseconds. */
export function readMilliseconds(reader: Reader): number {
  let seconds = 0;
  let nanoseconds = 0;
  while (reader.next()) {
    if (reader.field === 1) seconds = Number(reader.int64());
    else if (reader.field === 2) nanoseconds = reader.int32();
    else reader.skip();
  }
  return seconds * 1_000 + nanoseconds / 1_000_000;
}

function readHalves(reader: Reader): string {
  let most = 0n;
  let least = 0n;
  while (reader.next()) {
    if (reader.field === 1) most = reader.uint64();
    else if (reader.field === 2) least = reader.uint64();
    else reader.skip();
  }
  return hyphenated(((most << 64n) | least).toString(16).padStart(32, '0'));
}

function hyphenated(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
