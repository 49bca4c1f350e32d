import { crc32 } from 'node:zlib';

import { IndexDamaged } from './errors.ts';
import type { StoredBlock } from './rows.ts';

/*
 * A stretch of a stream or a derived stream in the index: where the events from one number on stand in the log. Blocks
 * of a stream follow each other without a gap; only the last one grows. Numbers are little-endian.
 *
 *  0 u32 CRC-32 over the stream's name, the first number, and all that follows
 *  4 u16 how many events    6 u8 whether there are id hashes    7 u48 first position    13 u48 last position
 * 19 the distance of each further position from the one before, 7 bits a byte, the lowest first
 *    then the id hash of each event, u48, in streams that are not derived
 */
const headBytes = 19;
/** A block that has reached this size is full: a larger one would not fit into a quarter of a page, where SQLite keeps it. */
const fullBytes = 900;
const hashBytes = 6;

export interface Block {
  /** The number of the first event. */
  readonly first: number;
  readonly positions: readonly number[];
  /** By which an event is looked up by its id. Empty in a derived stream. */
  readonly idHashes: readonly number[];
}

/**
 * The last block of a stream and what comes after it, as blocks: the first one of them takes the place of the last.
 * `idHashes` is as long as `positions`, or empty in a derived stream.
 */
export function extendBlock(name: string, last: Block | undefined, added: Omit<Block, 'first'>): StoredBlock[] {
  const positions = last === undefined ? added.positions : [...last.positions, ...added.positions];
  const idHashes = last === undefined ? added.idHashes : [...last.idHashes, ...added.idHashes];
  const blocks: StoredBlock[] = [];
  let first = last?.first ?? 0;
  for (let at = 0; at < positions.length;) {
    const end = endOfBlock(positions, { at, hashed: idHashes.length > 0 });
    blocks.push({
      first,
      bytes: encodeBlock(name, { first, positions: positions.slice(at, end), idHashes: idHashes.slice(at, end) }),
    });
    first += end - at;
    at = end;
  }
  return blocks;
}

/**
 * The block that the index holds for a stream.
 *
 * @throws IndexDamaged when it is not what was written under this name and number.
 */
export function decodeBlock(name: string, { first, bytes }: StoredBlock): Block {
  const block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (block.length < headBytes || block.readUInt32LE(0) !== checksum(name, first, block)) {
    throw new IndexDamaged(name, first);
  }
  const count = block.readUInt16LE(4);
  let position = block.readUIntLE(7, 6);
  const positions = [position];
  let at = headBytes;
  while (positions.length < count) {
    let distance = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = block[at++]!; // The checksum fits, so the block is whole.
      distance += (byte & 127) * unit;
      if (byte < 128) break;
    }
    position += distance;
    positions.push(position);
  }
  const idHashes: number[] = [];
  if (block[6] === 1) for (; idHashes.length < count; at += hashBytes) idHashes.push(block.readUIntLE(at, hashBytes));
  return { first, positions, idHashes };
}

/** Where the block that begins at `at` ends: it takes at least one event. */
function endOfBlock(positions: readonly number[], { at, hashed }: { at: number; hashed: boolean }): number {
  const each = hashed ? hashBytes : 0;
  let bytes = headBytes + each;
  let end = at + 1;
  while (end < positions.length && bytes < fullBytes) {
    bytes += each + sizeOf(positions[end]! - positions[end - 1]!);
    end += 1;
  }
  return end;
}

function encodeBlock(name: string, { first, positions, idHashes }: Block): Buffer {
  const block = Buffer.allocUnsafe(headBytes + (positions.length - 1) * 8 + idHashes.length * hashBytes);
  block.writeUInt16LE(positions.length, 4);
  block[6] = idHashes.length > 0 ? 1 : 0;
  let before = positions[0]!; // There is at least one.
  block.writeUIntLE(before, 7, 6);
  block.writeUIntLE(positions.at(-1)!, 13, 6);
  let at = headBytes;
  for (let index = 1; index < positions.length; index += 1) {
    let distance = positions[index]! - before;
    before = positions[index]!;
    for (; distance >= 128; distance = Math.floor(distance / 128)) block[at++] = (distance % 128) | 128;
    block[at++] = distance;
  }
  for (const hash of idHashes) at = block.writeUIntLE(hash, at, hashBytes);
  const whole = block.subarray(0, at);
  whole.writeUInt32LE(checksum(name, first, whole), 0);
  return whole;
}

function checksum(name: string, first: number, block: Buffer): number {
  return crc32(block.subarray(4), crc32(`${first}:${name}`));
}

/** How many bytes a distance takes. */
function sizeOf(distance: number): number {
  let bytes = 1;
  for (let rest = distance; rest >= 128; rest /= 128) bytes += 1;
  return bytes;
}
