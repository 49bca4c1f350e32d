import { setImmediate as breathe } from 'node:timers/promises';

import type { Direction, ReadAllOptions } from '../store/options.ts';
import type { PackedEvent, PackedPage } from '../store/packed-page.ts';
import type { Engine } from './engine.ts';
import { defaultPageSize, logRange, missingIn, takeTurn } from './read.ts';
import { locateRecord } from './record.ts';
import { endsOf } from './records-at.ts';

/** A page has about so many bytes, or one event: as much is in memory for whoever is slow to take it. */
const pageBytes = 256 * 1024;

/** The events of all streams, as bytes. */
export async function* readAllPacked(
  engine: Engine,
  options: ReadAllOptions,
): AsyncGenerator<PackedPage, void, undefined> {
  const { direction = 'forwards', limit = Infinity, pageSize = defaultPageSize, signal } = options;
  signal?.throwIfAborted();
  if (takeTurn()) await breathe();
  const { from, first: lowest, last: highest } = logRange(engine, options);
  let first = direction === 'forwards' ? Math.max(from ?? lowest, lowest) : lowest;
  let last = direction === 'forwards' ? highest : Math.min(from ?? highest, highest);
  for (let left = limit; left > 0 && first <= last;) {
    const page = readPage(engine, { first, last, direction, events: Math.min(pageSize, left) });
    if (direction === 'forwards') first = page.last + 1;
    else last = page.first - 1;
    left -= page.events.length;
    if (page.events.length > 0) yield page;
    if (left > 0 && first <= last) await breathe();
    signal?.throwIfAborted();
  }
}

interface Wanted {
  readonly first: number;
  readonly last: number;
  readonly direction: Direction;
  /** At most so many events. */
  readonly events: number;
}

/** The next events, and from where to where in the log they are. */
function readPage(
  engine: Engine,
  { first, last, direction, events: atMost }: Wanted,
): PackedPage & { readonly first: number; readonly last: number } {
  const stretch =
    direction === 'forwards'
      ? { first, last: Math.min(last, first + atMost - 1) }
      : { first: Math.max(first, last - atMost + 1), last };
  const ends = endsOf(engine.reader.recordSizes(stretch.first, stretch.last));
  if (ends.length !== stretch.last - stretch.first + 1) throw missingBetween(engine, stretch);
  const part = direction === 'forwards' ? beginning(ends) : ending(ends);
  const from = stretch.first + part.first;
  const to = stretch.first + part.last;
  const { bytes, ends: taken } = recordsBetween(engine, { first: from, last: to, ends: part.ends });
  const events: PackedEvent[] = [];
  let start = 0;
  for (const [index, end] of taken.entries()) {
    const event = locateRecord(bytes, { start, end, position: from + index });
    if (event !== undefined) events.push(event);
    start = end;
  }
  return { bytes, events: direction === 'forwards' ? events : events.toReversed(), first: from, last: to };
}

/** Some of the records of a stretch, by their place in it, and where each of them ends behind the first one. */
interface Part {
  readonly first: number;
  readonly last: number;
  readonly ends: readonly number[];
}

/** The first records of a stretch, as many as go into a page, but at least one. */
function beginning(ends: readonly number[]): Part {
  const beyond = ends.findIndex((end, index) => index > 0 && end > pageBytes);
  const count = beyond === -1 ? ends.length : beyond;
  return { first: 0, last: count - 1, ends: ends.slice(0, count) };
}

/** The last ones. */
function ending(ends: readonly number[]): Part {
  const all = ends.at(-1) ?? 0;
  const last = ends.length - 1;
  const startOf = (index: number): number => ends[index - 1] ?? 0;
  const fitting = ends.findIndex((_, index) => all - startOf(index) <= pageBytes);
  const first = fitting === -1 ? last : fitting;
  return { first, last, ends: ends.slice(first).map((end) => end - startOf(first)) };
}

interface Sized {
  readonly first: number;
  readonly last: number;
  readonly ends: readonly number[];
}

/** Records one behind the other, and where each ends. */
function recordsBetween(
  engine: Engine,
  { first, last, ends }: Sized,
): { readonly bytes: Buffer; readonly ends: readonly number[] } {
  // To make a value of each row takes longer than to read them. Each says its position, so their order is not trusted.
  const joined = engine.reader.joinedRecords(first, last);
  if (joined instanceof Uint8Array && joined.length === ends.at(-1)) {
    return { bytes: Buffer.from(joined.buffer, joined.byteOffset, joined.byteLength), ends };
  }
  // A scavenge made records shorter between the two statements, or the file is damaged: which of them says which row.
  const records = engine.reader.records(first, last, ends.length);
  if (records.length < ends.length) throw missingIn(records, first);
  let end = 0;
  return {
    bytes: Buffer.concat(records.map(([, record]) => record)),
    ends: records.map(([, record]) => (end += record.length)),
  };
}

function missingBetween(engine: Engine, { first, last }: { readonly first: number; readonly last: number }): Error {
  return missingIn(engine.reader.records(first, last, last - first + 1), first);
}
