import { derivedStream, eventTypeStream } from '../store/derived-stream.ts';
import type { CategorySummary, EventTypeSummary, ListStreamsOptions, StreamSummary } from '../store/options.ts';
import { position, revision } from '../store/position.ts';
import { isDeleted } from '../store/stream-metadata.ts';
import { categoryOf, isMetadataStream, isSystemStream, type StreamName } from '../store/stream-name.ts';
import type { Log } from './log.ts';

/** The streams that a listing gives, in order. */
export function listStreams(log: Log, options: ListStreamsOptions): readonly StreamSummary[] {
  const { prefix = '', category, system = 'exclude' } = options;
  return [...log.streams()]
    .filter((stream) => stream.startsWith(prefix) && !isMetadataStream(stream))
    .filter((stream) => system === 'include' || !isSystemStream(stream))
    .filter((stream) => category === undefined || categoryOf(stream) === category)
    .filter((stream) => isListed(log, stream))
    .toSorted(byBytes)
    .map((stream) => summaryOf(log, stream));
}

/** The categories, in order. */
export function listCategories(log: Log): readonly CategorySummary[] {
  return keysOf(log, 'category').map((category) => ({
    category,
    streams: BigInt(log.positionsOf(`$category-${category}` as StreamName).length), // A prefix makes any text a name.
    events: BigInt(log.positionsOf(`$ce-${category}` as StreamName).length), // A prefix makes any text a name.
  }));
}

/** The event types, in order. */
export function listEventTypes(log: Log): readonly EventTypeSummary[] {
  return keysOf(log, 'event-type').map((type) => ({
    type,
    events: BigInt(log.positionsOf(eventTypeStream(type)).length),
  }));
}

function isListed(log: Log, stream: StreamName): boolean {
  if (log.positionsOf(stream).length === 0 || log.tombstoneOf(stream) !== undefined) return false;
  const metadata = log.metadataOf(stream);
  return metadata === undefined || !isDeleted(metadata);
}

function summaryOf(log: Log, stream: StreamName): StreamSummary {
  const positions = log.positionsOf(stream);
  return {
    stream,
    revision: revision(positions.length - 1),
    position: position(positions.at(-1)!), // Only streams with events are listed.
    events: BigInt(Math.max(0, positions.length - log.firstVisible(stream))),
  };
}

/** What the derived streams of a kind gather. */
function keysOf(log: Log, kind: 'category' | 'event-type'): readonly string[] {
  return [...log.derivedStreams()]
    .flatMap((name) => {
      const derived = derivedStream(name);
      return derived?.kind === kind ? [derived.key] : [];
    })
    .toSorted(byBytes);
}

/** The order of UTF-8 bytes: that of strings in JavaScript is another one beyond the basic plane. */
function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}
