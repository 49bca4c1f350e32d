import { paged } from '../internal/paged.ts';
import { NotSupported } from '../store/errors.ts';
import type { RecordedEvent } from '../store/event.ts';
import { passes } from '../store/filter.ts';
import type { EventRead, ReadAllOptions, ReadStreamOptions } from '../store/options.ts';
import type { Position } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import type { ReadResponse } from './client.ts';
import type { Connection } from './connection.ts';
import { convertEvent } from './convert-event.ts';
import { convertFilter } from './convert-filter.ts';
import type { ReadCall } from './open-read.ts';

/** As many events as there can be. */
const all = 2n ** 53n - 1n;

/** Reads a stream. */
export function readStream(connection: Connection, stream: StreamName, options: ReadStreamOptions = {}): EventRead {
  const { direction = 'forwards', links = 'resolve', limit, pageSize = 500, signal } = options;
  return paged(async function* () {
    const from = atPlace(options.from ?? defaultStart(direction));
    const call: ReadCall = {
      stream,
      options: { fromRevision: from, resolveLinkTos: links === 'resolve' },
      read: { count: limit === undefined ? all : BigInt(limit), direction },
      signal,
    };
    yield* events(connection, call, { pageSize });
  });
}

/** Reads `$all`. */
export function readAll(connection: Connection, options: ReadAllOptions = {}): EventRead {
  const { direction = 'forwards', filter, limit = Infinity, pageSize = 500, signal } = options;
  return paged(async function* () {
    const from = atPlace(options.from ?? defaultStart(direction));
    const passed = passes(filter);
    const shared = { resolveLinkTos: false, ...(filter !== undefined && { filter: convertFilter(filter) }) };
    const call = (fromPosition: unknown, count: bigint): ReadCall => ({
      options: { ...shared, fromPosition },
      read: { count, direction },
      signal,
    });
    let left = limit;
    if (direction === 'backwards' && typeof from === 'bigint') {
      // A read backwards begins before its position. The event at the position itself is that of a read forwards.
      const at = await eventAt(connection, from, signal);
      if (at !== undefined && passed(at)) {
        yield [at];
        left -= 1;
      }
    }
    if (left <= 0) return;
    const count = Number.isFinite(left) && filter === undefined ? BigInt(left) : all;
    const place = typeof from === 'bigint' ? { commit: from, prepare: from } : from;
    yield* events(connection, call(place, count), { pageSize, limit: left, passed });
  });
}

function defaultStart(direction: 'forwards' | 'backwards'): 'start' | 'end' {
  return direction === 'forwards' ? 'start' : 'end';
}

function atPlace<Place extends bigint | 'start' | 'end'>(from: Place | Date): Place {
  if (from instanceof Date) throw new NotSupported('read from a time', 'The protocol of KurrentDB');
  return from;
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
): AsyncGenerator<readonly RecordedEvent[], void, undefined> {
  let left = limit;
  for await (const messages of connection.open(call)) {
    const page = messages
      .map((message) => eventIn(message))
      .filter((event) => event !== undefined)
      .filter((event) => passed(event))
      .slice(0, left);
    for (let start = 0; start < page.length; start += pageSize) yield page.slice(start, start + pageSize);
    left -= page.length;
    if (left <= 0) return;
  }
}

async function eventAt(
  connection: Connection,
  position: Position,
  signal: AbortSignal | undefined,
): Promise<RecordedEvent | undefined> {
  const options = { fromPosition: { commit: position, prepare: position }, resolveLinkTos: false };
  const call: ReadCall = { options, read: { count: 1n, direction: 'forwards' }, signal };
  for await (const [event] of events(connection, call, { pageSize: 1 })) {
    return event?.position === position ? event : undefined;
  }
  return undefined;
}

function eventIn(message: ReadResponse): RecordedEvent | undefined {
  return message.hasEvent() ? convertEvent(message.getEvent()) : undefined;
}
