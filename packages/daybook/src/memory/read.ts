import { setImmediate as breathe } from 'node:timers/promises';

import { linkEvent } from '../internal/link-event.ts';
import { derivedStream } from '../store/derived-stream.ts';
import { StreamTombstoned } from '../store/errors.ts';
import type { RecordedEvent } from '../store/event.ts';
import { passes } from '../store/filter.ts';
import type { Direction, ReadAllOptions, ReadStreamOptions } from '../store/options.ts';
import { revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import { recorded, type Log } from './log.ts';

type EventPages = AsyncGenerator<readonly RecordedEvent[], void, undefined>;

/** Events in one page, unless the caller says otherwise. */
const defaultPageSize = 500;

/** The events of a stream, a derived stream or a metadata stream. */
export function readStream(
  log: Log,
  options: ReadStreamOptions & { readonly stream: StreamName; readonly now: () => number },
): EventPages {
  const { stream, now, direction = 'forwards', from, links } = options;
  return readPages(options, () => {
    checkOpen(log, stream);
    const last = log.positionsOf(stream).length - 1;
    return {
      from: from instanceof Date ? numberAt(log, { stream, from, direction }) : placeOf(from, { first: 0, last }),
      // What truncation hides need not be passed over one by one.
      first: log.firstVisible(stream),
      last,
      give: (number) => {
        checkOpen(log, stream);
        return eventAt(log, { stream, number, links, nowMs: now() });
      },
    };
  });
}

/** The events of all streams. */
export function readAll(log: Log, options: ReadAllOptions): EventPages {
  const { direction = 'forwards', from, filter } = options;
  const matches = passes(filter);
  return readPages(options, () => ({
    from: from instanceof Date ? positionAt(log, from, direction) : placeOf(from, { first: 1, last: log.end }),
    first: 1,
    last: log.end,
    give: (position) => {
      const event = log.at(position);
      return !event.isFreed && matches(event) ? recorded(event) : undefined;
    },
  }));
}

/** What stands at a revision, or at a number of a derived stream, if a read gives it. */
export function eventAt(
  log: Log,
  place: { stream: StreamName; number: number; links: 'resolve' | 'keep' | undefined; nowMs: number },
): RecordedEvent | undefined {
  const { stream, number, links, nowMs } = place;
  const event = log.at(log.positionsOf(stream)[number]!); // The caller stays below the end.
  const isDerived = derivedStream(stream) !== undefined;
  if (isDerived && links === 'keep') return linkEvent(recorded(event), { stream, revision: revision(number) });
  if (!log.shows(event, nowMs)) return undefined;
  return isDerived ? { ...recorded(event), link: { stream, revision: revision(number) } } : recorded(event);
}

/** What a read goes through, settled when its first page is pulled. */
interface Range {
  /** Where the caller begins. Default: at the first or the last number. */
  readonly from: number | undefined;
  readonly first: number;
  /** The last number that there was then: a caller who appends to what it reads comes to an end. */
  readonly last: number;
  readonly give: (number: number) => RecordedEvent | undefined;
}

async function* readPages(options: ReadStreamOptions | ReadAllOptions, open: () => Range): EventPages {
  const { direction = 'forwards', limit = Infinity, pageSize = defaultPageSize, signal } = options;
  signal?.throwIfAborted();
  const { from, first, last, give } = open();
  const step = direction === 'forwards' ? 1 : -1;
  let number = step === 1 ? Math.max(from ?? first, first) : Math.min(from ?? last, last);
  const isWithin = (): boolean => number >= first && number <= last;
  for (let left = limit; left > 0 && isWithin();) {
    const page: RecordedEvent[] = [];
    for (; page.length < Math.min(pageSize, left) && isWithin(); number += step) {
      const event = give(number);
      if (event !== undefined) page.push(event);
    }
    left -= page.length;
    if (page.length > 0) yield page;
    // Pages that are there at once would keep everything else in this process waiting.
    if (left > 0 && isWithin()) await breathe();
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

/** The position that a time means. */
function positionAt(log: Log, from: Date, direction: Direction): number {
  const ms = from.getTime();
  return direction === 'forwards'
    ? (log.events.find((event) => event.createdMs >= ms)?.position ?? Infinity)
    : (log.events.findLast((event) => event.createdMs <= ms)?.position ?? 0);
}

/** The revision, or the number in a derived stream, that a time means. */
function numberAt(log: Log, read: { stream: StreamName; from: Date; direction: Direction }): number {
  const positions = log.positionsOf(read.stream);
  const place = positionAt(log, read.from, read.direction);
  if (read.direction === 'backwards') return positions.findLastIndex((position) => position <= place);
  const number = positions.findIndex((position) => position >= place);
  return number === -1 ? Infinity : number;
}

function checkOpen(log: Log, stream: StreamName): void {
  if (log.tombstoneOf(stream) !== undefined) throw new StreamTombstoned(stream);
}
