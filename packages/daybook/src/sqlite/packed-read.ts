import { setImmediate as breathe } from 'node:timers/promises';

import type { Direction, ReadAllOptions } from '../store/options.ts';
import type { PackedEvent, PackedPage } from '../store/packed-page.ts';
import type { Engine } from './engine.ts';
import { defaultPageSize, logRange, missingIn, takeTurn } from './read.ts';
import { locateRecord } from './record.ts';

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
  const sizes = numbersIn(engine.reader.recordSizes(stretch.first, stretch.last));
  if (sizes.length !== stretch.last - stretch.first + 1) throw missingBetween(engine, stretch);
  const taken = direction === 'forwards' ? fitting(sizes) : fitting(sizes.toReversed()).toReversed();
  const from = direction === 'forwards' ? stretch.first : stretch.last - taken.length + 1;
  const to = from + taken.length - 1;
  const { bytes, ends } = recordsBetween(engine, { first: from, last: to, sizes: taken });
  const events: PackedEvent[] = [];
  let start = 0;
  for (const [index, end] of ends.entries()) {
    const event = locateRecord(bytes, { start, end, position: from + index });
    if (event !== undefined) events.push(event);
    start = end;
  }
  return { bytes, events: direction === 'forwards' ? events : events.toReversed(), first: from, last: to };
}

/** Whole numbers with commas between them. To split the text takes longer than SQLite takes to make it. */
function numbersIn(text: unknown): readonly number[] {
  if (typeof text !== 'string') return []; // There are no rows.
  const numbers: number[] = [];
  let number = 0;
  for (let index = 0; index < text.length; index += 1) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit >= 0) {
      number = number * 10 + digit;
      continue;
    }
    numbers.push(number);
    number = 0;
  }
  numbers.push(number);
  return numbers;
}

/** The first of these sizes, as many as go into a page. */
function fitting(sizes: readonly number[]): readonly number[] {
  let bytes = 0;
  const count = sizes.findIndex((size, index) => {
    bytes += size;
    return index > 0 && bytes > pageBytes;
  });
  return count === -1 ? sizes : sizes.slice(0, count);
}

interface Sized {
  readonly first: number;
  readonly last: number;
  readonly sizes: readonly number[];
}

/** Records one behind the other, and where each ends. */
function recordsBetween(
  engine: Engine,
  { first, last, sizes }: Sized,
): { readonly bytes: Buffer; readonly ends: readonly number[] } {
  // To make a value of each row takes longer than to read them. Each says its position, so their order is not trusted.
  const joined = engine.reader.joinedRecords(first, last);
  const ends = endsOf(sizes);
  if (joined instanceof Uint8Array && joined.length === ends.at(-1)) {
    return { bytes: Buffer.from(joined.buffer, joined.byteOffset, joined.byteLength), ends };
  }
  // A scavenge made records shorter between the two statements, or the file is damaged: which of them says which row.
  const records = engine.reader.records(first, last, sizes.length);
  if (records.length < sizes.length) throw missingIn(records, first);
  return {
    bytes: Buffer.concat(records.map(([, record]) => record)),
    ends: endsOf(records.map(([, record]) => record.length)),
  };
}

function endsOf(sizes: readonly number[]): readonly number[] {
  let end = 0;
  return sizes.map((size) => (end += size));
}

function missingBetween(engine: Engine, { first, last }: { readonly first: number; readonly last: number }): Error {
  return missingIn(engine.reader.records(first, last, last - first + 1), first);
}
