/** A field that holds bytes: a text, or a message of other fields. */
export function bytesField(number: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const value = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  return Buffer.concat([varint(BigInt(number) * 8n + 2n), varint(BigInt(value.length)), value]);
}

/** A field that holds a whole number, negative ones as two's complement in 64 bits. */
export function numberField(number: number, value: number | bigint | boolean): Buffer {
  return Buffer.concat([varint(BigInt(number) * 8n), varint(BigInt.asUintN(64, BigInt(value)))]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127n; rest /= 128n) bytes.push(Number(rest % 128n) + 128);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
