import type { RecordedEvent } from './event.ts';
import { categoryOf, isSystemStream, type StreamName } from './stream-name.ts';

/** The kinds of derived streams: indexes over the log that read like streams. */
export type DerivedKind = 'category' | 'event-type' | 'streams' | 'category-streams' | 'correlation';

/** What a derived stream gathers: its kind and the category, event type or correlation id (`''` for `$streams`). */
export interface DerivedStream {
  readonly kind: DerivedKind;
  readonly key: string;
}

/** The type of an event that stands for another one. No derived stream gathers those. */
export const linkType = '$>';

/** The stream of all events of a category: `$ce-CustomerOrder`. */
export function categoryStream(category: string): StreamName {
  return `$ce-${category}` as StreamName; // A prefix makes any text a name.
}

/** The stream of all events of a type: `$et-OrderCreated`. */
export function eventTypeStream(eventType: string): StreamName {
  return `$et-${eventType}` as StreamName; // A prefix makes any text a name.
}

/** The stream of all events with a correlation id, in whatever stream: `$bc-7f3a…`. */
export function correlationStream(correlationId: string): StreamName {
  return `$bc-${correlationId}` as StreamName; // A prefix makes any text a name.
}

/** What `stream` gathers, or `undefined` when it is an ordinary stream. */
export function derivedStream(stream: string): DerivedStream | undefined {
  if (!isSystemStream(stream)) return undefined;
  if (stream === '$streams') return { kind: 'streams', key: '' };
  const end = stream.indexOf('-');
  if (end < 0) return undefined;
  const key = stream.slice(end + 1);
  switch (stream.slice(0, end)) {
    case '$ce':
      return { kind: 'category', key };
    case '$et':
      return { kind: 'event-type', key };
    case '$category':
      return { kind: 'category-streams', key };
    case '$bc':
      return { kind: 'correlation', key };
    default:
      return undefined;
  }
}

/**
 * The names of the derived streams that an event belongs to.
 *
 * As in KurrentDB, events of system streams are left out, except that a correlation id gathers them too; stored links
 * (`$>`) and tombstones are in no derived stream.
 */
export function derivedStreamsOf(
  event: Pick<RecordedEvent, 'stream' | 'type' | 'revision' | 'metadata'>,
): readonly StreamName[] {
  if (event.type === linkType || event.type === '$streamDeleted') return [];
  const names: StreamName[] = [];
  if (!isSystemStream(event.stream)) {
    const category = categoryOf(event.stream);
    if (category !== undefined) names.push(categoryStream(category));
    names.push(eventTypeStream(event.type));
    if (event.revision === 0n) {
      names.push('$streams' as StreamName); // A constant that is a name.
      if (category !== undefined) names.push(`$category-${category}` as StreamName); // A prefix makes any text a name.
    }
  }
  const correlationId = correlationIdIn(event.metadata);
  if (correlationId !== undefined) names.push(correlationStream(correlationId));
  return names;
}

const correlationKey = Buffer.from('"$correlationId"');
const decoder = new TextDecoder();

/** The `$correlationId` in the bytes of an event's metadata, if they are JSON that has one. */
export function correlationIdIn(metadata: Uint8Array): string | undefined {
  // Most metadata has none, and looking for the bytes is far cheaper than parsing.
  if (metadata.length <= correlationKey.length) return undefined;
  const bytes = Buffer.from(metadata.buffer, metadata.byteOffset, metadata.byteLength);
  if (!bytes.includes(correlationKey)) return undefined;
  try {
    const parsed: unknown = JSON.parse(decoder.decode(metadata));
    const id = typeof parsed === 'object' && parsed !== null && Reflect.get(parsed, '$correlationId');
    return typeof id === 'string' && id !== '' ? id : undefined;
  } catch {
    return undefined; // Metadata is the writer's own: what is not JSON has no correlation id.
  }
}
