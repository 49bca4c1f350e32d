import assert from 'node:assert/strict';

import { derivedStream, derivedStreamsOf } from '../store/derived-stream.ts';
import type { RecordedEvent } from '../store/event.ts';
import type { SubscriptionMessage } from '../store/options.ts';
import type { Position } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';

/** A new event as all its subscribers get it: one object for thousands of queues. */
export type EventMessage = Extract<SubscriptionMessage, { readonly kind: 'event' }>;

/** Somebody who is told of new events as they become durable. */
export interface LiveReader {
  /** A stream, a derived stream or `$all`. */
  readonly stream: StreamName;
  /** Takes the next event of the stream. Called within `publish`, so it must be quick and must not throw. */
  receive(message: EventMessage): void;
  /** Events may have come that will not be handed over: read them from the log. */
  miss(): void;
  /** The store is closed. */
  end(): void;
}

/**
 * Hands new events to those who wait for them. One for each open store.
 *
 * An adapter tells it of every event that becomes durable after it was made: in the order of the log, each once, by
 * `publish`, or, without the events, by `skip`. Disposing of it ends all subscriptions with StoreClosed.
 */
export class LiveHub implements Disposable {
  readonly #readers = new Map<StreamName, Set<LiveReader>>();
  #derivedReaders = 0;
  #subscribers = 0;
  #last = 0n as Position; // No event stands at 0, so this is before all of them.
  #isClosed = false;

  /** How many subscriptions are being iterated, whether they read pages or wait. While it is 0, `skip` is enough. */
  get subscribers(): number {
    return this.#subscribers;
  }

  /** How many of them wait for events, or have some in their queue. */
  get waiting(): number {
    return [...this.#readers.values()].reduce((count, readers) => count + readers.size, 0);
  }

  /** The position of the last event that was published or skipped. */
  get last(): Position {
    return this.#last;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Hands over events that are durable now and that a page read from now on contains. */
  publish(events: readonly RecordedEvent[]): void {
    const end = events.at(-1);
    if (end === undefined) return;
    assert(events[0]!.position > this.#last, `event ${events[0]!.position} was published after ${this.#last}`);
    this.#last = end.position;
    if (this.#readers.size === 0) return;
    for (const event of events) this.#hand(event);
  }

  /**
   * Says that the log goes up to `to` without handing over what came since the last event. Cheap while nobody is
   * subscribed; whoever waits falls behind and reads pages. A position that is not new changes nothing.
   */
  skip(to: Position): void {
    if (to <= this.#last) return;
    this.#last = to;
    for (const readers of this.#readers.values()) for (const reader of readers) reader.miss();
  }

  /** Counts a subscription until what it gives back is disposed of. */
  enter(): Disposable {
    this.#subscribers += 1;
    return { [Symbol.dispose]: () => void (this.#subscribers -= 1) };
  }

  /** From now on, tells `reader` of the events of its stream. */
  join(reader: LiveReader): void {
    const { stream } = reader;
    const readers = this.#readers.get(stream);
    if (readers === undefined) this.#readers.set(stream, new Set([reader]));
    else readers.add(reader);
    if (derivedStream(stream) !== undefined) this.#derivedReaders += 1;
  }

  /** Tells `reader` of nothing any more. It must have joined. */
  leave(reader: LiveReader): void {
    const { stream } = reader;
    const readers = this.#readers.get(stream);
    assert(readers !== undefined && readers.delete(reader), `a reader of ${stream} left twice`);
    if (readers.size === 0) this.#readers.delete(stream);
    if (derivedStream(stream) !== undefined) this.#derivedReaders -= 1;
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const readers of this.#readers.values()) for (const reader of readers) reader.end();
  }

  #hand(event: RecordedEvent): void {
    const message: EventMessage = { kind: 'event', event };
    this.#handTo('$all' as StreamName, message); // A constant that is a name.
    this.#handTo(event.stream, message);
    if (this.#derivedReaders === 0) return;
    for (const stream of derivedStreamsOf(event)) this.#handTo(stream, message);
  }

  #handTo(stream: StreamName, message: EventMessage): void {
    const readers = this.#readers.get(stream);
    if (readers !== undefined) for (const reader of readers) reader.receive(message);
  }
}
