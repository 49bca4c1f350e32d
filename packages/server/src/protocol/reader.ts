/** Bytes that are no message of the kind that was expected. The client's mistake, never ours. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** How a value is written, by protobuf's numbers. */
const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/**
 * Reads one protobuf message, field by field:
 *
 * ```ts
 * while (reader.next()) {
 *   if (reader.field === 1) name = reader.string();
 *   else reader.skip();
 * }
 * ```
 *
 * It never reads beyond its bytes: what is cut off, or not what the caller asks for, throws MalformedMessage. Bytes are
 * views of what it was given, not copies.
 */
export class Reader {
  /** The number of the field that `next` came to. */
  field = 0;
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;
  #wire = 0;
  /** The upper half of the last 64-bit number that was read. */
  #high = 0;

  constructor(bytes: Buffer, at = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  /** Goes to the next field. False at the end of the message. Read or skip each field before going on. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.#varint32();
    this.field = tag >>> 3;
    this.#wire = tag & 7;
    if (this.field === 0) throw new MalformedMessage('Field numbers begin with 1.');
    return true;
  }

  /** Passes over a field that nobody here knows. */
  skip(): void {
    switch (this.#wire) {
      case wire.varint:
        this.#low();
        return;
      case wire.fixed64:
        this.#take(8);
        return;
      case wire.bytes:
        this.#take(this.#varint32());
        return;
      case wire.fixed32:
        this.#take(4);
        return;
      default:
        throw new MalformedMessage(`Field ${this.field} has the unknown wire type ${this.#wire}.`);
    }
  }

  bool(): boolean {
    this.#expect(wire.varint);
    const low = this.#low();
    return low !== 0 || this.#high !== 0;
  }

  uint32(): number {
    this.#expect(wire.varint);
    return this.#low();
  }

  int32(): number {
    return this.uint32() | 0;
  }

  uint64(): bigint {
    this.#expect(wire.varint);
    const low = this.#low();
    return this.#high === 0 ? BigInt(low) : (BigInt(this.#high) << 32n) | BigInt(low);
  }

  int64(): bigint {
    return BigInt.asIntN(64, this.uint64());
  }

  sint64(): bigint {
    const zigzag = this.uint64();
    return (zigzag >> 1n) ^ -(zigzag & 1n);
  }

  double(): number {
    this.#expect(wire.fixed64);
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  bytes(): Buffer {
    this.#expect(wire.bytes);
    const length = this.#varint32();
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  string(): string {
    this.#expect(wire.bytes);
    const length = this.#varint32();
    const start = this.#take(length);
    return textIn(this.#bytes, start, start + length);
  }

  /** A message within this one. */
  message(): Reader {
    this.#expect(wire.bytes);
    const length = this.#varint32();
    const start = this.#take(length);
    return new Reader(this.#bytes, start, start + length);
  }

  #expect(expected: number): void {
    if (this.#wire === expected) return;
    throw new MalformedMessage(`Field ${this.field} has wire type ${this.#wire} instead of ${expected}.`);
  }

  /** Goes on by so many bytes, and says where they begin. */
  #take(length: number): number {
    const start = this.#at;
    if (length > this.#end - start) throw cutOff();
    this.#at = start + length;
    return start;
  }

  /** A tag or a length: nothing that does not fit into 32 bits. */
  #varint32(): number {
    const low = this.#low();
    if (this.#high !== 0) throw new MalformedMessage('A tag or a length has more than 32 bits.');
    return low;
  }

  /** The lower half of a number of up to 64 bits; the upper half is in `#high` then. */
  #low(): number {
    let low = 0;
    let high = 0;
    for (let index = 0; index < 10; index += 1) {
      if (this.#at >= this.#end) throw cutOff();
      const byte = this.#bytes[this.#at++]!; // Before the end.
      const bits = byte & 0x7f;
      if (index < 4) low |= bits << (index * 7);
      else if (index === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else if (index < 9) high |= bits << (index * 7 - 32);
      else high |= (bits & 1) << 31;
      if (byte < 0x80) {
        this.#high = high >>> 0;
        return low >>> 0;
      }
    }
    throw new MalformedMessage('A number has more than ten bytes.');
  }
}

function textIn(bytes: Buffer, start: number, end: number): string {
  // Most texts are short and plain: putting them together here is faster than a call out of JavaScript.
  if (end - start <= 24) {
    let text = '';
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at]!; // Within the text.
      if (byte >= 0x80) return decoded(bytes.subarray(start, end));
      text += String.fromCharCode(byte);
    }
    return text;
  }
  return decoded(bytes.subarray(start, end));
}

/** UTF-8 bytes as text. */
export function decoded(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new MalformedMessage('A text is not UTF-8.');
  }
}

function cutOff(): MalformedMessage {
  return new MalformedMessage('The message is cut off.');
}
