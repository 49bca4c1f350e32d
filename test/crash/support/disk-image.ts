import { endianness } from 'node:os';

import type { Random } from './random.ts';

/** One thing that was done to a disk, in the order in which it was done. */
export type DiskStep =
  | { readonly kind: 'wrote'; readonly inode: bigint; readonly place: number; readonly data: Buffer }
  | { readonly kind: 'truncated'; readonly inode: bigint; readonly length: number }
  | { readonly kind: 'created' | 'linked'; readonly inode: bigint; readonly name: string }
  | { readonly kind: 'removed'; readonly name: string }
  | { readonly kind: 'renamed'; readonly from: string; readonly to: string }
  | { readonly kind: 'sync-began' | 'sync-ended'; readonly inode: bigint; readonly name: string; readonly sync: bigint }
  | { readonly kind: 'acknowledged'; readonly text: string };

/** The steps that the shim recorded. */
export function parseRecording(bytes: Buffer): readonly DiskStep[] {
  if (endianness() !== 'LE') throw new Error('Recordings are read on little-endian machines only.');
  const steps: DiskStep[] = [];
  for (let at = 0; at < bytes.length;) {
    const kind = String.fromCharCode(bytes[at] ?? 0);
    const nameLength = bytes.readUInt32LE(at + 4);
    const inode = bytes.readBigUInt64LE(at + 8);
    const place = bytes.readBigInt64LE(at + 16);
    const length = Number(bytes.readBigUInt64LE(at + 24));
    const nameEnd = at + 32 + nameLength;
    const name = bytes.toString('utf8', at + 32, nameEnd);
    const data = bytes.subarray(nameEnd, nameEnd + length);
    steps.push(parseStep(kind, { inode, place, name, data }));
    at = nameEnd + length;
  }
  return steps;
}

interface RawStep {
  readonly inode: bigint;
  readonly place: bigint;
  readonly name: string;
  readonly data: Buffer;
}

function parseStep(kind: string, { inode, place, name, data }: RawStep): DiskStep {
  switch (kind) {
    case 'W':
      return { kind: 'wrote', inode, place: Number(place), data };
    case 'T':
      return { kind: 'truncated', inode, length: Number(place) };
    case 'C':
      return { kind: 'created', inode, name };
    case 'L':
      return { kind: 'linked', inode, name };
    case 'U':
      return { kind: 'removed', name };
    case 'R':
      return { kind: 'renamed', from: data.toString(), to: name };
    case 's':
      return { kind: 'sync-began', inode, name, sync: place };
    case 'S':
      return { kind: 'sync-ended', inode, name, sync: place };
    case 'A':
      return { kind: 'acknowledged', text: data.toString() };
    default:
      throw new Error(`There is no step ${JSON.stringify(kind)} in a recording.`);
  }
}

type Change = { readonly place: number; readonly data: Buffer } | { readonly length: number };
type NameChange = Extract<DiskStep, { readonly kind: 'created' | 'linked' | 'removed' | 'renamed' }>;

/** The names in a folder and the bytes of the files that they stand for. Good until the next step is played. */
export type DiskImage = ReadonlyMap<string, Buffer>;

/**
 * A disk that keeps for certain only what was synced, to which recorded steps are played one by one.
 *
 * What a sync makes safe is what was done to the file before the sync *began*. A sync of a file makes its creation safe
 * too, as the file systems of Linux do; that a name was removed or changed is safe once the folder is synced.
 */
export class Disk {
  readonly #files: Map<bigint, DiskFile> = new Map();
  readonly #names: Map<string, DiskFile> = new Map();
  readonly #began: Map<bigint, number> = new Map();
  #pendingNames: { readonly step: number; readonly change: NameChange; readonly file: DiskFile | undefined }[] = [];
  #step = 0;

  play(step: DiskStep): void {
    this.#step++;
    switch (step.kind) {
      case 'wrote':
        this.#files.get(step.inode)?.pending.push({ step: this.#step, change: { place: step.place, data: step.data } });
        break;
      case 'truncated':
        this.#files.get(step.inode)?.pending.push({ step: this.#step, change: { length: step.length } });
        break;
      case 'created': {
        // Another file may have had this inode before, and been removed.
        const file = new DiskFile();
        this.#files.set(step.inode, file);
        this.#pendingNames.push({ step: this.#step, change: step, file });
        break;
      }
      case 'linked':
        this.#pendingNames.push({ step: this.#step, change: step, file: this.#files.get(step.inode) });
        break;
      case 'removed':
      case 'renamed':
        this.#pendingNames.push({ step: this.#step, change: step, file: undefined });
        break;
      case 'sync-began':
        this.#began.set(step.sync, this.#step);
        break;
      case 'sync-ended': {
        const began = this.#began.get(step.sync) ?? 0;
        if (step.name === '') this.#settleNames(began);
        else this.#settleFile(this.#files.get(step.inode), began);
        break;
      }
      case 'acknowledged':
        break;
      default:
        step satisfies never;
    }
  }

  /** The disk as a power cut may leave it now. What was not synced is dropped (50 %), torn (10 %) or kept (40 %). */
  afterPowerCut(random: Random): DiskImage {
    const names = this.#namesAfter(() => random.chance(0.5));
    return imageOf(names, (change) => {
      if (random.chance(0.5)) return [];
      return 'data' in change && random.chance(0.2) ? torn(change.place, change.data, random) : [change];
    });
  }

  /** The disk as it is when nothing happens to it. */
  intact(): DiskImage {
    return imageOf(
      this.#namesAfter(() => true),
      (change) => [change],
    );
  }

  #settleNames(began: number): void {
    for (const { step, change, file } of this.#pendingNames) if (step <= began) rename(this.#names, change, file);
    this.#pendingNames = this.#pendingNames.filter(({ step }) => step > began);
  }

  #settleFile(file: DiskFile | undefined, began: number): void {
    if (file === undefined) return;
    file.settle(began);
    const named = this.#pendingNames.filter((pending) => pending.file === file);
    for (const { step: namedAt, change } of named) {
      rename(this.#names, change, file);
      // What was done to this name before is over.
      const name = nameIn(change);
      this.#pendingNames = this.#pendingNames.filter((one) => one.step > namedAt || nameIn(one.change) !== name);
    }
  }

  #namesAfter(survives: () => boolean): ReadonlyMap<string, DiskFile> {
    const names = new Map(this.#names);
    for (const { change, file } of this.#pendingNames) if (survives()) rename(names, change, file);
    return names;
  }
}

class DiskFile {
  /** Done since, and not safe: the number of the step and what it did. */
  pending: { readonly step: number; readonly change: Change }[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;

  /** Makes safe what was done up to a step. */
  settle(lastStep: number): void {
    const end = this.pending.findIndex(({ step }) => step > lastStep);
    for (const { change } of this.pending.splice(0, end === -1 ? this.pending.length : end)) this.#apply(change);
  }

  /** The bytes when what is pending has turned into `changes`. */
  with(changes: readonly Change[]): Buffer {
    if (changes.length === 0) return this.#bytes.subarray(0, this.#length);
    const copy = new DiskFile();
    copy.#reserve(this.#length);
    this.#bytes.copy(copy.#bytes, 0, 0, this.#length);
    copy.#length = this.#length;
    for (const change of changes) copy.#apply(change);
    return copy.#bytes.subarray(0, copy.#length);
  }

  #apply(change: Change): void {
    if ('data' in change) {
      const end = change.place + change.data.length;
      this.#reserve(end);
      change.data.copy(this.#bytes, change.place);
      this.#length = Math.max(this.#length, end);
    } else {
      this.#reserve(change.length);
      // What was never written is zero.
      if (change.length < this.#length) this.#bytes.fill(0, change.length, this.#length);
      this.#length = change.length;
    }
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(length, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

function imageOf(names: ReadonlyMap<string, DiskFile>, survives: (change: Change) => readonly Change[]): DiskImage {
  const image = new Map<string, Buffer>();
  for (const [name, file] of names) image.set(name, file.with(file.pending.flatMap(({ change }) => survives(change))));
  return image;
}

function nameIn(change: NameChange): string {
  return change.kind === 'renamed' ? change.to : change.name;
}

function rename(names: Map<string, DiskFile>, change: NameChange, file: DiskFile | undefined): void {
  if ((change.kind === 'created' || change.kind === 'linked') && file !== undefined) names.set(change.name, file);
  if (change.kind === 'removed') names.delete(change.name);
  if (change.kind === 'renamed') {
    const moved = names.get(change.from);
    names.delete(change.from);
    if (moved !== undefined) names.set(change.to, moved);
  }
}

/** A write of which the disk kept some sectors: the first ones, or any. */
function torn(place: number, data: Buffer, random: Random): readonly Change[] {
  const kept: Change[] = [];
  const inOrder = random.chance(0.5);
  const end = place + random.between(0, data.length);
  for (let from = place; from < place + data.length;) {
    const to = Math.min(place + data.length, (Math.floor(from / 512) + 1) * 512);
    const survives = inOrder ? to <= end : random.chance(0.5);
    if (survives) kept.push({ place: from, data: data.subarray(from - place, to - place) });
    from = to;
  }
  return kept;
}
