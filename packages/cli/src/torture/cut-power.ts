import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { constants, copyFile, open, stat, truncate, type FileHandle } from 'node:fs/promises';

import { syncedBytes } from './write-ahead-file.ts';

/** A disk keeps or loses so much at a time. */
const sectorBytes = 512;

/** What may be left of the bytes that were not synced. */
const fates = ['cut off', 'torn', 'overwritten'] as const;

export interface CutOptions {
  /** Of the copy. */
  readonly image: string;
  /** What the writers said of their syncs. */
  readonly syncs: readonly string[];
}

/**
 * Copies the files of a store whose writers were killed, as a power cut at the same moment could have left them. Says in
 * words what is different.
 *
 * What was written to the write-ahead file since the last sync is cut off at any byte, torn into sectors of which some
 * are there, or other bytes stand in its place. The shared memory is gone, the index is whole, cut off or gone, and so is
 * the note of where the log ended, none of which is ever synced. The main file stays as it is.
 */
export async function cutPower(path: string, { image, syncs }: CutOptions): Promise<string> {
  const from = syncedBytes(path, syncs);
  for (const name of ['', '-wal']) await copy(path + name, image + name);
  const deeds = [];
  if (from !== undefined) deeds.push(await loseEnd(`${image}-wal`, from));
  const index = anyOf(['whole', 'cut off', 'gone'] as const);
  if (index !== 'whole') deeds.push(`its index is ${index}`);
  if (index !== 'gone') await copy(`${path}-index`, `${image}-index`);
  if (index === 'whole') await copy(`${path}-index-wal`, `${image}-index-wal`);
  if (index === 'cut off' && existsSync(`${image}-index`)) {
    await truncate(`${image}-index`, upTo((await stat(`${image}-index`)).size));
  }
  if (anyOf([true, false])) await copy(`${path}-head`, `${image}-head`);
  else deeds.push('the note of its end is gone');
  return deeds.join(', ');
}

/** Loses what stands behind a byte of a file, or a part of it. */
async function loseEnd(path: string, from: number): Promise<string> {
  const { size } = await stat(path);
  const fate = anyOf(fates);
  const at = Math.min(size, from + upTo(Math.max(0, size - from)));
  if (fate === 'cut off') {
    await truncate(path, at);
    return `its -wal is cut off at byte ${at} of ${size}, synced up to ${from}`;
  }
  await using file = await open(path, 'r+');
  if (fate === 'overwritten') await file.write(randomBytes(size - at), 0, size - at, at);
  else await tear(file, { from, size });
  return `its -wal is ${fate} from byte ${fate === 'torn' ? from : at} of ${size}, synced up to ${from}`;
}

/** Loses some of the sectors from a byte on. */
async function tear(file: FileHandle, { from, size }: { readonly from: number; readonly size: number }): Promise<void> {
  for (let sector = from; sector < size; sector = nextSector(sector)) {
    const length = Math.min(nextSector(sector), size) - sector;
    if (anyOf([true, false])) await file.write(Buffer.alloc(length), 0, length, sector);
  }
}

function nextSector(at: number): number {
  return (Math.floor(at / sectorBytes) + 1) * sectorBytes;
}

async function copy(from: string, to: string): Promise<void> {
  if (existsSync(from)) await copyFile(from, to, constants.COPYFILE_FICLONE);
}

/** A whole number from 0 on, `most` included. Each third one is 0, where the edge is. */
function upTo(most: number): number {
  return anyOf([true, false, false]) ? 0 : Math.floor(Math.random() * (most + 1));
}

function anyOf<Item>(items: readonly Item[]): Item {
  return items[Math.floor(Math.random() * items.length)]!; // No list here is empty.
}
