import { paged } from '../internal/paged.ts';
import { checkNotAll, checkRead } from '../store/check-options.ts';
import { derivedStream } from '../store/derived-stream.ts';
import type { RecordedEvent } from '../store/event.ts';
import { passes } from '../store/filter.ts';
import type { Direction, EventRead, ReadAllOptions, ReadStreamOptions } from '../store/options.ts';
import type { Position, Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import type { ReadResponse } from './client.ts';
import type { Connection } from './connection.ts';
import { convertEvent } from './convert-event.ts';
import { convertFilter } from './convert-filter.ts';
import type { ReadCall } from './open-read.ts';

/** As many events as there can be. */
const all = 2n ** 53n - 1n;

type Pages = AsyncGenerator<readonly RecordedEvent[], void, undefined>;

/** Reads a stream. */
export function readStream(connection: Connection, stream: StreamName, options: ReadStreamOptions = {}): EventRead {
  checkNotAll(stream);
  checkRead(options);
  const { from: start, direction = 'forwards', links = 'resolve', limit = Infinity, pageSize = 500, signal } = options;
  if (start instanceof Date) {
    return sinceTime(readStream(connection, stream, { ...options, from: undefined, limit: undefined }), {
      time: start,
      direction,
      limit,
    });
  }
  return paged(async function* () {
    const from = await startOf(connection, stream, { from: start, direction });
    if (from === undefined || limit === 0) return;
    // The server counts the links whose events are hidden too.
    const isCounted = Number.isFinite(limit) && (links === 'keep' || derivedStream(stream) === undefined);
    const call: ReadCall = {
      stream,
      options: { fromRevision: from, resolveLinkTos: links === 'resolve' },
      read: { count: isCounted ? BigInt(limit) : all, direction },
      signal,
    };
    yield* events(connection, call, { pageSize, limit });
  });
}

/** Where a read of a stream begins in the words of the protocol, whose `end` is behind the last event. */
async function startOf(
  connection: Connection,
  stream: StreamName,
  { from, direction }: { readonly from: Revision | 'start' | 'end' | undefined; readonly direction: Direction },
): Promise<bigint | 'start' | 'end' | undefined> {
  if (from === 'end' && direction === 'forwards') {
    const last = await connection.edge(stream, 'backwards');
    return last === undefined || last === 'hidden' ? undefined : last.revision;
  }
  if (from === 'start' && direction === 'backwards') return 0n;
  return from ?? (direction === 'forwards' ? 'start' : 'end');
}

/** Reads `$all`. */
export function readAll(connection: Connection, options: ReadAllOptions = {}): EventRead {
  checkRead(options);
  const { direction = 'forwards', from, limit = Infinity } = options;
  if (from instanceof Date) {
    return sinceTime(readAll(connection, { ...options, from: undefined, limit: undefined }), {
      time: from,
      direction,
      limit,
    });
  }
  return paged(async function* () {
    if (limit === 0) return;
    if (direction === 'forwards' && from !== 'end') {
      yield* allPages(connection, options, { from: from ?? 'start', direction, limit });
      return;
    }
    let left = limit;
    if (from !== undefined && (from !== 'end' || direction === 'forwards')) {
      // `end` of the protocol is behind the last event, and a read backwards begins before its position: one event more.
      const edge = direction === 'forwards' ? 'backwards' : 'forwards';
      const one = { from, direction: edge, limit: 1 } as const;
      for await (const page of allPages(connection, { ...options, filter: undefined }, one)) {
        const at = page
          .filter(({ position }) => typeof from !== 'bigint' || position === from)
          .filter(passes(options.filter));
        if (at.length > 0) yield at;
        left -= at.length;
      }
    }
    if (direction === 'forwards' || from === 'start' || left <= 0) return;
    yield* allPages(connection, options, { from: from ?? 'end', direction, limit: left });
  });
}

function allPages(
  connection: Connection,
  { filter, pageSize = 500, signal }: ReadAllOptions,
  read: { readonly from: Position | 'start' | 'end'; readonly direction: Direction; readonly limit: number },
): Pages {
  const { from, direction, limit } = read;
  const call: ReadCall = {
    options: {
      fromPosition: typeof from === 'bigint' ? { commit: from, prepare: from } : from,
      resolveLinkTos: false,
      ...(filter !== undefined && { filter: convertFilter(filter) }),
    },
    // With a filter, the server's may let more through than ours: it is not told when to stop, it is left.
    read: { count: Number.isFinite(limit) && filter === undefined ? BigInt(limit) : all, direction },
    signal,
  };
  return events(connection, call, { pageSize, limit, passed: passes(filter) });
}

/** A read that begins at a time. The protocol knows no times: what is before it is read, and left out. */
function sinceTime(
  read: EventRead,
  { time, direction, limit }: { readonly time: Date; readonly direction: Direction; readonly limit: number },
): EventRead {
  const isThere = ({ created }: RecordedEvent): boolean =>
    direction === 'forwards' ? created.getTime() >= time.getTime() : created.getTime() <= time.getTime();
  return paged(async function* () {
    let left = limit;
    let hasBegun = false;
    if (left === 0) return;
    for await (const whole of read.pages()) {
      const first = hasBegun ? 0 : whole.findIndex(isThere);
      if (first < 0) continue;
      hasBegun = true;
      const page = whole.slice(first, first + left);
      yield page;
      left -= page.length;
      if (left === 0) return;
    }
  });
}

interface EventsOptions {
  readonly pageSize: number;
  readonly limit?: number;
  readonly passed?: (event: RecordedEvent) => boolean;
}

async function* events(
  connection: Connection,
  call: ReadCall,
  { pageSize, limit = Infinity, passed = () => true }: EventsOptions,
): Pages {
  let left = limit;
  for await (const messages of connection.open(call)) {
    const page = messages
      .map((message) => eventIn(message))
      .filter((event) => event !== undefined)
      .filter((event) => passed(event))
      .slice(0, left);
    for (let start = 0; start < page.length; start += pageSize) yield page.slice(start, start + pageSize);
    left -= page.length;
    // A read that the server ends by itself is not left: servers close connections on which many calls are reset.
    if (left <= 0 && (call.read?.count ?? all) > limit) return;
  }
}

function eventIn(message: ReadResponse): RecordedEvent | undefined {
  return message.hasEvent() ? convertEvent(message.getEvent()) : undefined;
}
