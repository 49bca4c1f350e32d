/** How many bytes a number takes as a varint. */
export function varintSize(value: bigint | number): number {
  if (typeof value === 'bigint') {
    if (value > 0xffff_ffff_ffff_fn) return bigVarintSize(value);
    value = Number(value);
  }
  let size = 1;
  for (; value >= 128; value = Math.floor(value / 128)) size += 1;
  return size;
}

/** How many bytes a field takes that holds so many. Its tag takes one. */
export function fieldBytes(length: number): number {
  return 1 + varintSize(length) + length;
}

/** Writes a number as a varint, and says where it ends. */
export function writeVarint(bytes: Uint8Array, at: number, value: bigint | number): number {
  if (typeof value === 'bigint') {
    if (value > 0xffff_ffff_ffff_fn) return writeBigVarint(bytes, at, value);
    value = Number(value);
  }
  for (; value > 0x7fff_ffff; value = Math.floor(value / 128)) bytes[at++] = (value % 128) | 0x80;
  for (; value >= 128; value >>>= 7) bytes[at++] = (value & 0x7f) | 0x80;
  bytes[at++] = value;
  return at;
}

function bigVarintSize(value: bigint): number {
  let size = 1;
  for (; value >= 128n; value >>= 7n) size += 1;
  return size;
}

function writeBigVarint(bytes: Uint8Array, at: number, value: bigint): number {
  for (; value >= 128n; value >>= 7n) bytes[at++] = Number(value & 0x7fn) | 0x80;
  bytes[at++] = Number(value);
  return at;
}

const prefixBytes = 5;

/**
 * Writes protobuf messages into memory that grows. Fields are written when they are called, zeros and empty texts too:
 * the caller leaves out what is to be absent.
 */
export class Writer {
  #bytes: Buffer = Buffer.allocUnsafe(256);
  #at = 0;

  uint(field: number, value: bigint | number): this {
    this.#reserve(20);
    this.#at = writeVarint(this.#bytes, this.#at, field << 3);
    this.#at = writeVarint(this.#bytes, this.#at, value);
    return this;
  }

  /** An `int32` or `int64`: below zero it takes ten bytes. */
  int(field: number, value: bigint | number): this {
    return this.uint(field, value < 0 ? BigInt.asUintN(64, BigInt(value)) : value);
  }

  /** A `sint32` or `sint64`. */
  sint(field: number, value: bigint | number): this {
    const whole = BigInt(value);
    return this.uint(field, BigInt.asUintN(64, (whole << 1n) ^ (whole >> 63n)));
  }

  bool(field: number, value: boolean): this {
    return this.uint(field, value ? 1 : 0);
  }

  double(field: number, value: number): this {
    this.#reserve(20);
    this.#at = writeVarint(this.#bytes, this.#at, (field << 3) | 1);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#begin(field, value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  string(field: number, value: string): this {
    const size = Buffer.byteLength(value);
    this.#begin(field, size);
    this.#bytes.write(value, this.#at, size, 'utf8');
    this.#at += size;
    return this;
  }

  /** A message within this one, or an empty one. */
  message(field: number, write?: (writer: Writer) => void): this {
    this.#begin(field, 0);
    const start = this.#at;
    write?.(this);
    const size = this.#at - start;
    if (size === 0) return this;
    // One byte was kept for the length. When it needs more, the message moves.
    const extra = varintSize(size) - 1;
    if (extra > 0) {
      this.#reserve(extra);
      this.#bytes.copyWithin(start + extra, start, start + size);
    }
    writeVarint(this.#bytes, start - 1, size);
    this.#at += extra;
    return this;
  }

  /** One whole message as gRPC sends it: not compressed, its length, itself. */
  frame(write: (writer: Writer) => void): this {
    this.#reserve(prefixBytes);
    const start = this.#at;
    this.#at += prefixBytes;
    write(this);
    this.#bytes[start] = 0;
    this.#bytes.writeUInt32BE(this.#at - start - prefixBytes, start + 1);
    return this;
  }

  /** What was written. The writer must not be used any more. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  /** The tag and the length of a field that has bytes, and room for them. */
  #begin(field: number, size: number): void {
    this.#reserve(20 + size);
    this.#at = writeVarint(this.#bytes, this.#at, (field << 3) | 2);
    this.#at = writeVarint(this.#bytes, this.#at, size);
  }

  #reserve(size: number): void {
    const needed = this.#at + size;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

/** One message as gRPC sends it. */
export function framed(write: (writer: Writer) => void): Buffer {
  return new Writer().frame(write).finish();
}

/** One message, without a frame. */
export function encoded(write: (writer: Writer) => void): Buffer {
  const writer = new Writer();
  write(writer);
  return writer.finish();
}
