import { crc32 } from 'node:zlib';

import { IndexDamaged } from './errors.ts';
import type { StoredBlock } from './rows.ts';

/*
 * A stretch of a stream or a derived stream in the index: where the events from one number on stand in the log. Blocks
 * of a stream follow each other without a gap; only the last one grows, at its end. Numbers are little-endian.
 *
 *  0 u32 CRC-32 over the stream's name, the first number, and all that follows
 *  4 u16 how many events    6 u8 whether there are id hashes    7 u48 last position
 * 13 for each event: the distance of its position from the one before (of the first: from 0), 7 bits a byte, the lowest
 *    first; then, in streams that are not derived, the hash of its id, u48
 */
const headBytes = 13;
/** A block that has reached this size is full: with a long name, it fits into a quarter of a page, where SQLite keeps it. */
const fullBytes = 800;
const hashBytes = 6;
/** What an event takes at most: 48 bits in portions of 7, and the hash. */
const eventBytes = 7 + hashBytes;

export interface Block {
  /** The number of the first event. */
  readonly first: number;
  readonly positions: readonly number[];
  /** By which an event is looked up by its id. Empty in a derived stream. */
  readonly idHashes: readonly number[];
}

/** What is added to a stream. `idHashes` is as long as `positions`, or empty in a derived stream. */
export type Places = Pick<Block, 'positions' | 'idHashes'>;

/** The number after the last one of a block, as long as it is not damaged. */
export function endOf({ first, bytes }: StoredBlock): number {
  return first + (bytes[4] ?? 0) + 256 * (bytes[5] ?? 0);
}

/**
 * The last block of a stream with what comes after it, as blocks: the first of them may take the place of the last.
 *
 * @throws IndexDamaged when the last block is not what was written under this name.
 */
export function extendBlock(name: string, last: StoredBlock | undefined, added: Places): readonly StoredBlock[] {
  const blocks: StoredBlock[] = [];
  const isOpen = last !== undefined && last.bytes.length < fullBytes;
  if (last !== undefined) checked(name, last);
  let next = last === undefined ? 0 : endOf(last);
  let before = isOpen ? last : undefined;
  for (let at = 0; at < added.positions.length;) {
    const block = encodeBlock(name, before ?? { first: next, bytes: noBytes }, { added, at });
    const end = endOf(block);
    at += end - next;
    next = end;
    before = undefined;
    blocks.push(block);
  }
  return blocks;
}

const noBytes = new Uint8Array(0);

/**
 * The block that the index holds for a stream.
 *
 * @throws IndexDamaged when it is not what was written under this name and number.
 */
export function decodeBlock(name: string, stored: StoredBlock): Block {
  const block = checked(name, stored);
  const count = block.readUInt16LE(4);
  const isHashed = block[6] === 1;
  const positions: number[] = [];
  const idHashes: number[] = [];
  let position = 0;
  for (let at = headBytes; positions.length < count;) {
    for (let unit = 1; ; unit *= 128) {
      const byte = block[at++]!; // The checksum fits, so the block is whole.
      position += (byte & 127) * unit;
      if (byte < 128) break;
    }
    positions.push(position);
    if (!isHashed) continue;
    idHashes.push(block.readUIntLE(at, hashBytes));
    at += hashBytes;
  }
  return { first: stored.first, positions, idHashes };
}

/** Gives the id hashes of a block, one after the other, each in its lower 32 and its upper 16 bits. */
export function eachIdHash(name: string, stored: StoredBlock, take: (lower: number, upper: number) => void): void {
  const block = checked(name, stored);
  for (let at = headBytes; at < block.length; at += hashBytes) {
    while (block[at++]! >= 128); // The distance of its position.
    const lower = block[at]! | (block[at + 1]! << 8) | (block[at + 2]! << 16) | (block[at + 3]! << 24);
    take(lower >>> 0, block[at + 4]! | (block[at + 5]! << 8));
  }
}

/** A block with as many of the added events behind its own as it takes: at least one. */
function encodeBlock(name: string, { first, bytes }: StoredBlock, more: { added: Places; at: number }): StoredBlock {
  const { positions, idHashes } = more.added;
  const isHashed = idHashes.length > 0;
  const left = positions.length - more.at;
  const block = Buffer.allocUnsafe(Math.max(headBytes, bytes.length) + Math.min(left, fullBytes) * eventBytes);
  block.set(bytes);
  let count = bytes.length === 0 ? 0 : block.readUInt16LE(4);
  let last = bytes.length === 0 ? 0 : block.readUIntLE(7, 6);
  let end = Math.max(headBytes, bytes.length);
  for (let at = more.at; at < positions.length && (end < fullBytes || count === 0); at += 1) {
    let distance = positions[at]! - last;
    last = positions[at]!;
    for (; distance >= 128; distance = Math.floor(distance / 128)) block[end++] = (distance % 128) | 128;
    block[end++] = distance;
    if (isHashed) end = block.writeUIntLE(idHashes[at]!, end, hashBytes);
    count += 1;
  }
  block.writeUInt16LE(count, 4);
  block[6] = isHashed ? 1 : 0;
  block.writeUIntLE(last, 7, 6);
  const whole = block.subarray(0, end);
  whole.writeUInt32LE(checksum(name, first, whole), 0);
  return { first, bytes: whole };
}

function checked(name: string, { first, bytes }: StoredBlock): Buffer {
  const block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (block.length < headBytes || block.readUInt32LE(0) !== checksum(name, first, block)) {
    throw new IndexDamaged(`${name} is not what was written at ${first}`);
  }
  return block;
}

function checksum(name: string, first: number, block: Buffer): number {
  return crc32(block.subarray(4), crc32(`${first}:${name}`));
}
