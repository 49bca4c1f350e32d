import { setImmediate as breathe } from 'node:timers/promises';

import { linkEvent } from '../internal/link-event.ts';
import { isOutlived } from '../internal/visible.ts';
import { derivedStream, type DerivedStream } from '../store/derived-stream.ts';
import { EventDamaged, StreamTombstoned } from '../store/errors.ts';
import type { RecordedEvent } from '../store/event.ts';
import { passes } from '../store/filter.ts';
import type { Direction, ReadAllOptions, ReadStreamOptions } from '../store/options.ts';
import { position as asPosition, revision, tombstoneRevision } from '../store/position.ts';
import { categoryOf, type StreamName } from '../store/stream-name.ts';
import type { Engine } from './engine.ts';
import { IndexDamaged } from './errors.ts';
import { checkLocated, decodeLocated, isLocatedFreed, namesOf } from './record.ts';
import { recordsAt } from './records-at.ts';
import type { Places } from './streams.ts';
import { positionAt } from './time.ts';

type EventPages = AsyncGenerator<readonly RecordedEvent[], void, undefined>;

/** After so many reads the event loop gets a turn. */
const readsInTurn = 8;
let reads = 0;

/** Whether it is time for the event loop to turn. */
export function takeTurn(): boolean {
  reads += 1;
  return reads % readsInTurn === 0;
}

/** Events in one page, unless the caller says otherwise. */
export const defaultPageSize = 500;

/** The events of a stream, a derived stream or a metadata stream. */
export function readStream(
  engine: Engine,
  options: ReadStreamOptions & { readonly stream: StreamName; readonly now: () => number },
): EventPages {
  const { stream, now, direction = 'forwards', from, links } = options;
  return readPages(options, () => {
    engine.refresh();
    const bound = engine.durable;
    checkOpen(engine, stream);
    const places = engine.streams.places(stream, bound);
    const { last } = places;
    return {
      from: from instanceof Date ? numberAt(engine, places, { from, direction }) : placeOf(from, { first: 0, last }),
      first: engine.streams.firstVisible(stream, last, bound),
      last,
      read: (range) => {
        checkOpen(engine, stream);
        return eventsIn(engine, { stream, links, nowMs: now(), bound }, range);
      },
    };
  });
}

/** The events of all streams. */
export function readAll(engine: Engine, options: ReadAllOptions): EventPages {
  const { filter } = options;
  return readPages(options, () => ({
    ...logRange(engine, options),
    read: (range) => allIn(engine, filter === undefined ? undefined : passes(filter), range),
  }));
}

/** Which part of the log a read goes through. */
export function logRange(engine: Engine, { from, direction = 'forwards' }: ReadAllOptions): Omit<Range, 'read'> {
  engine.refresh();
  const last = engine.durable;
  return {
    from: from instanceof Date ? positionAt(engine, from, direction) : placeOf(from, { first: 1, last }),
    first: 1,
    last,
  };
}

/** A stretch of numbers, both included, to be given in one direction. */
export interface Stretch {
  readonly first: number;
  readonly last: number;
  readonly direction: Direction;
  /** End behind so many bytes of events. Default: 4 MiB. */
  readonly bytes?: number;
}

/** What is given of a stream. */
export interface StreamView {
  readonly stream: StreamName;
  readonly links: 'resolve' | 'keep' | undefined;
  readonly nowMs: number;
  /** Nothing after this position counts. */
  readonly bound: number;
}

/** What was found in a stretch: some of its events may be hidden, and it may end early where events are large. */
export interface Found {
  readonly events: RecordedEvent[];
  /** The last number that was looked at. */
  readonly through: number;
}

/** So many bytes of events are in memory at once, or one event. */
const pageBytes = 4 * 1024 * 1024;

/** The events at some numbers of a stream or a derived stream: those that a read gives. */
export function eventsIn(engine: Engine, view: StreamView, stretch: Stretch): Found {
  return engine.reader.snapshot(() => eventsOf(engine, view, stretch));
}

function eventsOf(engine: Engine, view: StreamView, stretch: Stretch): Found {
  const { first, last, direction, bytes: bytesAtMost = pageBytes } = stretch;
  const { stream, links, nowMs, bound } = view;
  const derived = derivedStream(stream);
  const places = engine.streams.places(stream, bound);
  const stop = Math.min(last, places.last);
  const ascending = first > stop ? [] : engine.streams.positionsOf(places, first, stop);
  const positions = direction === 'forwards' ? ascending : ascending.toReversed();
  const step = direction === 'forwards' ? 1 : -1;
  const metadata = derived !== undefined ? undefined : engine.streams.metadataOf(stream, bound);
  const events: RecordedEvent[] = [];
  let bytes = 0;
  let number = (direction === 'forwards' ? first : stop) - step;
  for (const record of recordsAt(engine.reader, positions)) {
    number += step;
    checkLocated(record);
    const event = decodeLocated(record);
    checkBelongs(engine, event, { stream, number, derived });
    bytes += record.end - record.start;
    const isGone = isLocatedFreed(record);
    if (derived === undefined) {
      if (!isGone && !isOutlived(event.created.getTime(), nowMs, metadata)) events.push(event);
    } else {
      const link = { stream, revision: revision(number) };
      if (links === 'keep') events.push(linkEvent(event, link));
      else if (!isGone && shows(engine, event, { nowMs, bound })) events.push({ ...event, link });
    }
    if (bytes > bytesAtMost) return { events, through: number };
  }
  return { events, through: direction === 'forwards' ? last : first };
}

/** The events of `$all` in a stretch of positions. */
export function allIn(
  engine: Engine,
  matches: ((event: Pick<RecordedEvent, 'stream' | 'type'>) => boolean) | undefined,
  { first, last, direction, bytes: bytesAtMost = pageBytes }: Stretch,
): Found {
  const ascending = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const positions = direction === 'forwards' ? ascending : ascending.toReversed();
  const events: RecordedEvent[] = [];
  let bytes = 0;
  for (const record of recordsAt(engine.reader, positions)) {
    checkLocated(record);
    if (isLocatedFreed(record) || !(matches?.(namesOf(record)) ?? true)) continue;
    events.push(decodeLocated(record));
    bytes += record.end - record.start;
    if (bytes > bytesAtMost) return { events, through: record.position };
  }
  return { events, through: direction === 'forwards' ? last : first };
}

/** Throws when a stream was closed for good. */
function checkOpen(engine: Engine, stream: StreamName): void {
  if (engine.streams.tombstoneOf(stream, engine.durable) !== undefined) throw new StreamTombstoned(stream);
}

/** The index must not make an event look as if it stood elsewhere. */
function checkBelongs(
  engine: Engine,
  event: RecordedEvent,
  place: { stream: StreamName; number: number; derived: DerivedStream | undefined },
): void {
  const { stream, number, derived } = place;
  if (derived !== undefined) {
    const { kind, key } = derived;
    if (kind === 'category' ? categoryOf(event.stream) === key : kind !== 'event-type' || event.type === key) return;
  } else if (event.stream === stream) {
    if (event.revision === BigInt(number)) return;
    if (event.revision > number) throw engine.streams.lostAt(stream, number, Number(event.position));
  }
  throw new IndexDamaged(`it takes the event at position ${event.position} for ${number}@${stream}`);
}

/** Whether a read of the event's own stream gives it. */
function shows(engine: Engine, event: RecordedEvent, { nowMs, bound }: { nowMs: number; bound: number }): boolean {
  const { streams } = engine;
  if (event.revision === tombstoneRevision) return false;
  if (!streams.marked.mayHide(event.stream)) return true;
  const head = streams.head(event.stream);
  if (head.metadata === undefined && !head.isTombstoned) return true;
  if (streams.tombstoneOf(event.stream, bound) !== undefined) return false;
  const { last } = streams.places(event.stream, bound);
  if (event.revision < BigInt(streams.firstVisible(event.stream, last, bound))) return false;
  return !isOutlived(event.created.getTime(), nowMs, streams.metadataOf(event.stream, bound));
}

/** What a read goes through, settled when its first page is pulled. */
interface Range {
  /** Where the caller begins. Default: at the first or the last number. */
  readonly from: number | undefined;
  readonly first: number;
  /** The last number that there was then: a caller who appends to what it reads comes to an end. */
  readonly last: number;
  readonly read: (stretch: Stretch) => Found;
}

async function* readPages(options: ReadStreamOptions | ReadAllOptions, open: () => Range): EventPages {
  const { direction = 'forwards', limit = Infinity, pageSize = defaultPageSize, signal } = options;
  signal?.throwIfAborted();
  // Reads that are there at once, one after the other, would keep appends from ever being acknowledged.
  if (takeTurn()) await breathe();
  const { from, first: lowest, last: highest, read } = open();
  let first = direction === 'forwards' ? Math.max(from ?? lowest, lowest) : lowest;
  let last = direction === 'forwards' ? highest : Math.min(from ?? highest, highest);
  let page: RecordedEvent[] = [];
  for (let left = limit; left > 0 && first <= last;) {
    const count = Math.min(pageSize, left) - page.length;
    const stretch =
      direction === 'forwards'
        ? { first, last: Math.min(first + count - 1, last), direction }
        : { first: Math.max(last - count + 1, first), last, direction };
    const { events, through } = read(stretch);
    page = page.length === 0 ? events : [...page, ...events];
    const isCut = through !== (direction === 'forwards' ? stretch.last : stretch.first);
    if (direction === 'forwards') first = through + 1;
    else last = through - 1;
    const isFull = isCut || page.length >= Math.min(pageSize, left);
    if (page.length > 0 && (isFull || first > last)) {
      left -= page.length;
      yield page;
      page = [];
    }
    // Pages that are there at once would keep everything else in this process waiting.
    if (left > 0 && first <= last) await breathe();
    signal?.throwIfAborted();
  }
}

function placeOf(
  from: bigint | 'start' | 'end' | undefined,
  ends: { first: number; last: number },
): number | undefined {
  if (from === 'start') return ends.first;
  return from === 'end' ? ends.last : from === undefined ? undefined : Number(from);
}

/** The revision, or the number in a derived stream, that a time means. */
function numberAt(engine: Engine, places: Places, read: { from: Date; direction: Direction }): number {
  const place = positionAt(engine, read.from, read.direction);
  // The first number that stands at or after `place`, by halving: positions grow along a stream.
  const wanted = read.direction === 'forwards' ? place : place + 1;
  let low = 0;
  let high = places.last + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (engine.streams.positionOf(places, middle) < wanted) low = middle + 1;
    else high = middle;
  }
  return read.direction === 'forwards' ? low : low - 1;
}

export function missingIn(rows: readonly (readonly [number, Uint8Array])[], first: number): EventDamaged {
  const there = new Set(rows.map(([position]) => position));
  let missing = first;
  while (there.has(missing)) missing += 1;
  return new EventDamaged(asPosition(missing), 'it is missing');
}
