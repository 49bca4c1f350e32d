import { derivedStream } from '../store/derived-stream.ts';
import type {
  CategorySummary,
  EventTypeSummary,
  ListStreamsOptions,
  StreamState,
  StreamSummary,
} from '../store/options.ts';
import { position, revision } from '../store/position.ts';
import { isDeleted } from '../store/stream-metadata.ts';
import { categoryOf, isMetadataStream, isSystemStream, type StreamName } from '../store/stream-name.ts';
import type { Engine } from './engine.ts';
import { eventsIn } from './read.ts';

/** How many names are read at once. */
const pageNames = 500;

/** Where a stream stands now. */
export function streamState(engine: Engine, stream: StreamName, nowMs: number): StreamState {
  engine.refresh();
  const bound = engine.durable;
  const places = engine.streams.places(stream, bound);
  const { last } = places;
  const isDerived = derivedStream(stream) !== undefined;
  const metadata = isDerived ? undefined : engine.streams.metadataOf(stream, bound);
  const isTombstoned = !isDerived && engine.streams.tombstoneOf(stream, bound) !== undefined;
  const status = isTombstoned
    ? 'tombstoned'
    : metadata !== undefined && isDeleted(metadata)
      ? 'deleted'
      : last < 0
        ? 'no-stream'
        : 'exists';
  const first = isTombstoned ? undefined : firstGiven(engine, { stream, last, nowMs, bound });
  return {
    stream,
    status,
    ...(last >= 0 && {
      revision: revision(last),
      position: position(engine.streams.positionOf(places, last)),
    }),
    ...(first !== undefined && { firstRevision: first }),
    metadata: (isTombstoned ? undefined : metadata) ?? { custom: {} },
  };
}

/** The first revision or number that a read gives. */
function firstGiven(
  engine: Engine,
  { stream, last, nowMs, bound }: { stream: StreamName; last: number; nowMs: number; bound: number },
): StreamState['firstRevision'] {
  let first = engine.streams.firstVisible(stream, last, bound);
  for (let count = 1; first <= last; count = pageNames) {
    const stop = Math.min(first + count - 1, last);
    const view = { stream, links: 'resolve' as const, nowMs, bound };
    const { events, through } = eventsIn(engine, view, { first, last: stop, direction: 'forwards' });
    const [event] = events;
    if (event !== undefined) return event.link?.revision ?? event.revision;
    first = through + 1;
  }
  return undefined;
}

/** The streams that a read gives something of. */
export async function* listStreams(
  engine: Engine,
  options: ListStreamsOptions,
): AsyncGenerator<readonly StreamSummary[], void, undefined> {
  const { prefix, category, system = 'exclude', signal } = options;
  const begin = category === undefined ? '' : `${category}-`;
  const from = (prefix ?? '') > begin ? (prefix ?? '') : begin;
  for await (const names of namePages(engine, from)) {
    signal?.throwIfAborted();
    const page: StreamSummary[] = [];
    for (const name of names) {
      if (!name.startsWith(begin) || !name.startsWith(prefix ?? '')) continue;
      if (isMetadataStream(name) || derivedStream(name) !== undefined) continue;
      if (isSystemStream(name) && system === 'exclude') continue;
      if (category !== undefined && categoryOf(name) !== category) continue;
      const summary = summaryOf(engine, name as StreamName); // The index holds names of streams.
      if (summary !== undefined) page.push(summary);
    }
    if (page.length > 0) yield page;
    if (!names.at(-1)!.startsWith(from) && Buffer.compare(Buffer.from(names.at(-1)!), Buffer.from(from)) > 0) return;
  }
}

export async function* listCategories(engine: Engine): AsyncGenerator<readonly CategorySummary[], void, undefined> {
  for await (const keys of derivedPages(engine, '$ce-')) {
    yield keys.map((category) => ({
      category,
      streams: countOf(engine, `$category-${category}`),
      events: countOf(engine, `$ce-${category}`),
    }));
  }
}

export async function* listEventTypes(engine: Engine): AsyncGenerator<readonly EventTypeSummary[], void, undefined> {
  for await (const keys of derivedPages(engine, '$et-')) {
    yield keys.map((type) => ({ type, events: countOf(engine, `$et-${type}`) }));
  }
}

/** What stands behind a prefix in the names of derived streams, in their order. */
async function* derivedPages(engine: Engine, prefix: string): AsyncGenerator<readonly string[], void, undefined> {
  for await (const names of namePages(engine, prefix)) {
    const keys = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
    const shown = keys.filter((key) => countOf(engine, prefix + key) > 0n);
    if (shown.length > 0) yield shown;
    if (keys.length < names.length) return;
  }
}

function countOf(engine: Engine, stream: string): bigint {
  return BigInt(engine.streams.places(stream, engine.durable).last + 1);
}

function summaryOf(engine: Engine, stream: StreamName): StreamSummary | undefined {
  const bound = engine.durable;
  const places = engine.streams.places(stream, bound);
  const { last } = places;
  if (last < 0 || engine.streams.tombstoneOf(stream, bound) !== undefined) return undefined;
  const metadata = engine.streams.metadataOf(stream, bound);
  if (metadata !== undefined && isDeleted(metadata)) return undefined;
  const first = engine.streams.firstVisible(stream, last, bound);
  return {
    stream,
    revision: revision(last),
    position: position(engine.streams.positionOf(places, last)),
    events: BigInt(Math.max(0, last - first + 1)),
  };
}

/**
 * Names of streams and derived streams from `from` on, in the order of their bytes, in pages that are not empty: all that
 * begin with it, and perhaps others behind them.
 */
async function* namePages(engine: Engine, from: string): AsyncGenerator<readonly string[], void, undefined> {
  engine.refresh();
  const newest = sorted(engine.tail.names(from));
  let at = 0;
  for (let next = from; ;) {
    const indexed = engine.reader.streamNames(next, pageNames);
    const end = indexed.length < pageNames ? undefined : indexed.at(-1);
    const names = new Set(indexed);
    const isHere = (name: string): boolean => end === undefined || byBytes(name, end) <= 0;
    for (; at < newest.length && isHere(newest[at]!); at += 1) names.add(newest[at]!);
    const page = sorted(names);
    if (page.length > 0) yield page;
    if (end === undefined) return;
    next = `${end}\0`;
  }
}

/** In the order of their bytes. That of their UTF-16, which is found much sooner, is another one from here on only. */
function sorted(names: ReadonlySet<string>): readonly string[] {
  const isAlike = [...names].every((name) => !/[\ud800-\uffff]/.test(name));
  return isAlike ? [...names].toSorted() : [...names].toSorted(byBytes);
}

/** The order of UTF-8 bytes. */
function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
