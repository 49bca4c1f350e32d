import { closeSync, openSync, readSync } from 'node:fs';
import { endianness } from 'node:os';

/** Of SQLite's files, as https://sqlite.org/walformat.html has them. */
const fileHeaderBytes = 32;
const frameHeaderBytes = 24;
/** One of the two copies of its header with which the shared memory of a write-ahead file begins. */
const copyBytes = 48;
const sharedBytes = 136;

/** How often the header is read again that another process is about to write. */
const triesAtMost = 1_000;

/** How far a write-ahead file is written. */
export interface Frames {
  /** The salts: which filling of the file this is. It begins anew when all of it is in the main file. */
  readonly filling: string;
  /** Frames, each with a page, that are committed. */
  readonly written: number;
  /** Frames up to here were synced by SQLite itself, before it began to move them into the main file. */
  readonly moved: number;
  /** The first two as one word. */
  readonly text: string;
}

/** What the shared memory of a write-ahead file, the file `-shm`, says. */
export function framesIn(file: number): Frames {
  const bytes = Buffer.alloc(sharedBytes);
  for (let tries = 0; tries < triesAtMost; tries++) {
    readSync(file, bytes, 0, sharedBytes, 0);
    if (bytes.compare(bytes, copyBytes, 2 * copyBytes, 0, copyBytes) === 0) break;
  }
  // The second copy is written first: if a process was killed between the two, it is the newer.
  const number = (at: number): number => (endianness() === 'LE' ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const filling = bytes.toString('hex', copyBytes + 32, copyBytes + 40);
  const written = number(copyBytes + 16);
  return { filling, written, moved: number(128), text: `${filling}:${written}` };
}

/** How many frames of this filling were synced, by what writers said of their syncs. */
function syncedFrames({ filling, moved }: Frames, syncs: readonly string[]): number {
  return syncs.reduce((most, sync) => {
    const [of, frames] = sync.split(':');
    return of === filling ? Math.max(most, Number(frames)) : most;
  }, moved);
}

/**
 * The byte of a write-ahead file up to which the disk has it for certain. `undefined`: all of it may be, because SQLite
 * was about to fill it anew.
 */
export function syncedBytes(path: string, syncs: readonly string[]): number | undefined {
  const header = Buffer.alloc(fileHeaderBytes);
  if (readAt(`${path}-wal`, header) < fileHeaderBytes) return undefined;
  const shared = openSync(`${path}-shm`, 'r');
  try {
    const frames = framesIn(shared);
    if (frames.filling !== header.toString('hex', 16, 24)) return undefined;
    return fileHeaderBytes + syncedFrames(frames, syncs) * (frameHeaderBytes + header.readUInt32BE(8));
  } finally {
    closeSync(shared);
  }
}

function readAt(path: string, bytes: Buffer): number {
  const file = openSync(path, 'r');
  try {
    return readSync(file, bytes, 0, bytes.length, 0);
  } finally {
    closeSync(file);
  }
}
