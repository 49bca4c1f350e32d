import type { LivePage, ReadLivePage } from '../internal/live.ts';
import { StreamTombstoned } from '../store/errors.ts';
import { passes, type Filter } from '../store/filter.ts';
import { isMetadataStream, type StreamName } from '../store/stream-name.ts';
import type { Engine } from './engine.ts';
import { allIn, eventsIn, type Found } from './read.ts';
import { decodeRecord } from './record.ts';

/** The pages that a subscription to a stream, a derived stream or a metadata stream goes through. */
export function streamLivePages(
  engine: Engine,
  options: { stream: StreamName; links: 'resolve' | 'keep' | undefined; now: () => number },
): ReadLivePage {
  const { stream, links, now } = options;
  return (after, look): LivePage => {
    engine.refresh();
    const bound = engine.durable;
    const tombstone = engine.streams.tombstoneOf(stream, bound);
    if (tombstone !== undefined) {
      if (isMetadataStream(stream)) throw new StreamTombstoned(stream);
      const event = decodeRecord(engine.reader.record(tombstone), tombstone);
      return { events: [event], through: event.revision, looked: 1 };
    }
    const { last } = engine.streams.places(stream, bound);
    const end = { position: BigInt(bound), revision: BigInt(last) };
    if (after === 'end') return { events: [], through: end.revision, looked: 0, end };
    const first = Math.max(Number(after) + 1, engine.streams.firstVisible(stream, last, bound));
    const stop = Math.min(first + look - 1, last);
    const view = { stream, links, nowMs: now(), bound };
    const { events, through } =
      first <= stop ? eventsIn(engine, view, { first, last: stop, direction: 'forwards', bytes: pageBytes }) : nothing;
    if (through < last && first <= stop) return { events, through: BigInt(through), looked: through - first + 1 };
    return { events, through: after > end.revision ? after : end.revision, looked: look, end };
  };
}

/** The pages that a subscription to `$all` goes through. */
export function allLivePages(engine: Engine, filter: Filter | undefined): ReadLivePage {
  const matches = filter === undefined ? undefined : passes(filter);
  return (after, look): LivePage => {
    engine.refresh();
    const bound = engine.durable;
    const end = { position: BigInt(bound), revision: -1n };
    if (after === 'end') return { events: [], through: end.position, looked: 0, end };
    const first = Number(after) + 1;
    const stop = Math.min(Number(after) + look, bound);
    const { events, through } =
      first <= stop ? allIn(engine, matches, { first, last: stop, direction: 'forwards', bytes: pageBytes }) : nothing;
    const looked = Math.max(0, through - first + 1);
    if (first <= stop && through < bound) return { events, through: BigInt(through), looked };
    return { events, through: after > end.position ? after : end.position, looked, end };
  };
}

/** Each subscriber that does not read holds a page, and there may be thousands of them. */
const pageBytes = 128 * 1024;

const nothing: Found = { events: [], through: -1 };
