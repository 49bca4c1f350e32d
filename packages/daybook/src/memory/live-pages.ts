import type { LivePage, ReadLivePage } from '../internal/live.ts';
import { StreamTombstoned } from '../store/errors.ts';
import type { RecordedEvent } from '../store/event.ts';
import { passes, type Filter } from '../store/filter.ts';
import { isMetadataStream, type StreamName } from '../store/stream-name.ts';
import { recorded, type Log } from './log.ts';
import { eventAt } from './read.ts';

/** The pages that a subscription to a stream, a derived stream or a metadata stream goes through. */
export function streamLivePages(
  log: Log,
  options: { stream: StreamName; links: 'resolve' | 'keep' | undefined; now: () => number },
): ReadLivePage {
  const { stream, links, now } = options;
  return (after, look): LivePage => {
    const tombstone = log.tombstoneOf(stream);
    if (tombstone !== undefined) {
      if (isMetadataStream(stream)) throw new StreamTombstoned(stream);
      return { events: [recorded(tombstone)], through: tombstone.revision, looked: 1 };
    }
    const last = log.positionsOf(stream).length - 1;
    const end = { position: BigInt(log.end), revision: BigInt(last) };
    if (after === 'end') return { events: [], through: end.revision, looked: 0, end };
    const events: RecordedEvent[] = [];
    let number = Math.max(Number(after) + 1, log.firstVisible(stream));
    for (const stop = Math.min(number + look, last + 1); number < stop; number += 1) {
      const event = eventAt(log, { stream, number, links, nowMs: now() });
      if (event !== undefined) events.push(event);
    }
    if (number <= last) return { events, through: BigInt(number - 1), looked: look };
    return { events, through: after > end.revision ? after : end.revision, looked: look, end };
  };
}

/** The pages that a subscription to `$all` goes through. */
export function allLivePages(log: Log, filter: Filter | undefined): ReadLivePage {
  const matches = passes(filter);
  return (after, look): LivePage => {
    const end = { position: BigInt(log.end), revision: -1n };
    if (after === 'end') return { events: [], through: end.position, looked: 0, end };
    const stop = Math.min(Number(after) + look, log.end);
    const events: RecordedEvent[] = [];
    for (let position = Number(after) + 1; position <= stop; position += 1) {
      const event = log.at(position);
      if (!event.isFreed && matches(event)) events.push(recorded(event));
    }
    const looked = Math.max(0, stop - Number(after));
    if (stop < log.end) return { events, through: BigInt(stop), looked };
    return { events, through: after > end.position ? after : end.position, looked, end };
  };
}
