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

/** A stream, or a derived stream, in the index. */
export interface StreamRow {
  readonly id: number;
  /** Of its last event, the tombstone aside; -1 when it has only that. */
  readonly revision: number;
  readonly position: number;
  readonly tombstone?: number | undefined;
}
