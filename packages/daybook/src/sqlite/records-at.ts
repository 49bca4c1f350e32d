import type { LogConnection } from './connection.ts';

/** A record, as a part of some bytes. */
export interface LocatedRecord {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly position: number;
}

/** How many bytes are read from SQLite at once, about, when events are not large. */
const pieceBytes = 256 * 1024;
const pieceRecords = 512;
/** While nobody knows how large the records are, so many are read at once. */
const firstRecords = 16;
/** Records share so much memory: whoever keeps one event keeps its neighbours, so it is as little as Node's own pool. */
const sharedBytes = 8 * 1024;

/**
 * The records at some positions, in their order, a piece at a time. SQLite joins those of a piece into one value: to
 * make a value of each row takes two to three times as long. What is missing comes as an empty record.
 */
export function* recordsAt(log: LogConnection, positions: readonly number[]): Iterable<LocatedRecord> {
  let count = firstRecords;
  for (let at = 0; at < positions.length;) {
    const piece = positions.slice(at, at + count);
    const { bytes, ends } = joined(log, piece) ?? oneByOne(log, piece);
    yield* located(piece, bytes, ends);
    at += piece.length;
    count = countFor({ bytes, ends });
  }
}

/** The records from one position to another, in the order of the log, as far as they are there, a piece at a time. */
export function* recordsBetween(log: LogConnection, first: number, last: number): Iterable<LocatedRecord> {
  let count = firstRecords;
  for (let from = first; from <= last;) {
    const to = Math.min(last, from + count - 1);
    const piece = joinedStretch(log, from, to);
    let start = 0;
    for (let at = 0; at < piece.ends.length; at += 1) {
      const end = piece.ends[at]!;
      yield { bytes: piece.bytes, start, end, position: piece.positions?.[at] ?? from + at };
      start = end;
    }
    count = countFor(piece);
    from = to + 1;
  }
}

/** The records of a stretch as one value, and where they stand if some are missing. */
function joinedStretch(
  log: LogConnection,
  first: number,
  last: number,
): Joined & { readonly positions?: readonly number[] } {
  const whole = asJoined(log.joinedBetween(first, last), last - first + 1);
  if (whole !== undefined) return whole;
  const rows = log.records(first, last, last - first + 1);
  let end = 0;
  return {
    bytes: Buffer.concat(rows.map(([, record]) => record)),
    ends: rows.map(([, record]) => (end += record.length)),
    positions: rows.map(([position]) => position),
  };
}

/** How many records are read next, after a piece. */
function countFor({ bytes, ends }: Joined): number {
  const averageBytes = Math.max(1, bytes.length / Math.max(1, ends.length));
  return Math.max(1, Math.min(pieceRecords, Math.floor(pieceBytes / averageBytes)));
}

interface Joined {
  readonly bytes: Buffer;
  readonly ends: readonly number[];
}

/** The records of a piece as one value, unless a row is missing or is not what the table may hold. */
function joined(log: LogConnection, positions: readonly number[]): Joined | undefined {
  const first = positions[0]!; // A piece is not empty.
  const last = positions.at(-1)!;
  // Positions grow or shrink from one to the next, so that those of a stretch can be told by its ends.
  const isStretch = last === first + positions.length - 1;
  const row = isStretch ? log.joinedBetween(first, last) : log.joinedAt(`[${positions.join(',')}]`);
  return asJoined(row, positions.length);
}

/** What SQLite gives for `count` records, unless a row is missing or is not what the table may hold. */
function asJoined([sizes, value]: readonly unknown[], count: number): Joined | undefined {
  const ends = endsOf(sizes);
  if (ends.length !== count || !(value instanceof Uint8Array) || value.length !== ends.at(-1)) return undefined;
  return { bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength), ends };
}

/** The records of a piece, each from its row. */
function oneByOne(log: LogConnection, positions: readonly number[]): Joined {
  const records = positions.map((position) => log.record(position));
  let end = 0;
  return {
    bytes: Buffer.concat(records.map((record) => (record instanceof Uint8Array ? record : new Uint8Array(0)))),
    ends: records.map((record) => (end += record instanceof Uint8Array ? record.length : 0)),
  };
}

/** Sums of sizes that stand in a text with commas between them. To split it takes longer than SQLite takes to make it. */
export function endsOf(sizes: unknown): readonly number[] {
  if (typeof sizes !== 'string') return []; // There are no rows.
  const ends: number[] = [];
  let end = 0;
  let size = 0;
  for (let index = 0; index < sizes.length; index += 1) {
    const digit = sizes.charCodeAt(index) - 0x30;
    if (digit >= 0) {
      size = size * 10 + digit;
      continue;
    }
    ends.push((end += size));
    size = 0;
  }
  ends.push(end + size);
  return ends;
}

/** Each record of a piece, in memory that it shares with few others. */
function* located(positions: readonly number[], bytes: Buffer, ends: readonly number[]): Iterable<LocatedRecord> {
  for (let first = 0, from = 0; first < ends.length;) {
    let next = first + 1;
    while (next < ends.length && ends[next]! - from <= sharedBytes) next += 1;
    const to = ends[next - 1]!;
    const isAll = from === 0 && to === bytes.length;
    const { buffer, byteOffset } = bytes;
    const shared = isAll ? bytes : Buffer.from(buffer.slice(byteOffset + from, byteOffset + to));
    let start = 0;
    for (let index = first; index < next; index += 1) {
      const end = ends[index]! - from;
      yield { bytes: shared, start, end, position: positions[index]! };
      start = end;
    }
    first = next;
    from = to;
  }
}
