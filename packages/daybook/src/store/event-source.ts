import type { RecordedEvent } from './event.ts';
import type { StreamName } from './stream-name.ts';

/** An event whose data were parsed, and everything that the store says about it. */
export interface DecodedEvent<Type extends string = string, Data = unknown> extends Omit<
  RecordedEvent,
  'type' | 'data'
> {
  readonly type: Type;
  readonly data: Data;
}

/** A stream to follow, most of the time a derived one, and how its events are decoded. */
export interface EventSource<Event = RecordedEvent> {
  readonly stream: StreamName;
  /** The event as its reader wants it, or `undefined` when it is none of the reader's business. */
  decode(event: RecordedEvent): Event | undefined | Promise<Event | undefined>;
}
