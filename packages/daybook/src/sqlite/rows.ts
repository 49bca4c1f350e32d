/** Which log a file holds. */
export interface LogMeta {
  readonly logId: string;
  readonly epoch: number;
}

/** The seal of a segment of the log: 1,024 events. */
export interface SealRow {
  /** 1 for the events at positions 1 to 1,024. */
  readonly segment: number;
  /** SHA-256 over the records of the segment. */
  readonly hash: Uint8Array;
  /** SHA-256 over the seal before and `hash`. */
  readonly seal: Uint8Array;
  readonly minCreatedMs: number;
  readonly maxCreatedMs: number;
}

/**
 * A scavenge seals again what it changes, segment by segment. The seals up to `segment` are new; the one after it follows
 * `seal`, which stood at `segment` before.
 */
export interface Seam {
  readonly segment: number;
  readonly seal: Uint8Array;
}

/** A stream, or a derived stream, in the index. */
export interface StreamRow {
  readonly id: number;
  readonly tombstone: number | undefined;
  /** Absent when it has nothing but its tombstone. */
  readonly lastBlock: StoredBlock | undefined;
}

/** A block of the index as it is stored. */
export interface StoredBlock {
  /** The number of the first event in it. */
  readonly first: number;
  readonly bytes: Uint8Array;
}

/** A row of a stream's id, its tombstone, and the number and bytes of its last block. */
export function streamRow(row: readonly unknown[] | undefined): StreamRow | undefined {
  if (row === undefined) return undefined;
  const [id, tombstone, first, bytes] = row as [number, number | null, number | null, Uint8Array | null];
  const lastBlock = first === null || bytes === null ? undefined : { first, bytes };
  return { id, tombstone: tombstone ?? undefined, lastBlock };
}

/** A row of a block's first number and its bytes. */
export function storedBlock(row: readonly unknown[]): StoredBlock {
  const [first, bytes] = row as [number, Uint8Array]; // The table is strict.
  return { first, bytes };
}
