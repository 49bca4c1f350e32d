/** Ticks of 100 nanoseconds in a millisecond, as what follows the milliseconds in decimals. */
const ticks = '0000';

/** Between 2001 and 2286 the milliseconds since 1970 have so many digits. */
const usualDigits = 13;

/** An entry of the map of metadata: its tag and length, the tag and length of the key, the key, those of the value. */
const start: Buffer = Buffer.from('\x32\0\x0a\x07created\x12\0', 'latin1');

/** Where in it the length of the entry stands, and what the entry has besides the value. */
const lengthAt = 1;
const keyBytes: number = start.length - 2;

/** How many bytes `created` takes, as an entry of the map of metadata: ticks since 1970 in decimals. `ms`: epoch milliseconds. */
export function createdBytes(ms: number): number {
  return start.length + (isUsual(ms) ? usualDigits + ticks.length : text(ms).length);
}

/** Writes that entry, and says where it ends. */
export function writeCreated(bytes: Buffer, at: number, ms: number): number {
  const digits = isUsual(ms) ? usualDigits + ticks.length : text(ms).length;
  for (let index = 0; index < start.length; index += 1) bytes[at + index] = start[index]!; // Within it.
  bytes[at + lengthAt] = keyBytes + digits;
  at += start.length;
  bytes[at - 1] = digits;
  if (!isUsual(ms)) return at + bytes.write(text(ms), at, 'latin1');
  // Halves that fit into 32 bits: numbers above are divided slowly.
  const upper = Math.floor(ms / 1_000_000);
  writeDigits(bytes, at, upper, usualDigits - 6);
  writeDigits(bytes, at + usualDigits - 6, ms - upper * 1_000_000, 6);
  for (let index = usualDigits; index < digits; index += 1) bytes[at + index] = 0x30;
  return at + digits;
}

function writeDigits(bytes: Buffer, at: number, value: number, count: number): void {
  let rest = value | 0;
  for (let index = at + count - 1; index >= at; index -= 1) {
    const tenth = (rest / 10) | 0;
    bytes[index] = 0x30 + rest - tenth * 10;
    rest = tenth;
  }
}

function isUsual(ms: number): boolean {
  return ms >= 1e12 && ms < 1e13;
}

function text(ms: number): string {
  return ms === 0 ? '0' : `${ms}${ticks}`;
}
