import type { RecordedEvent } from '../store/event.ts';
import type { SubscriptionMessage } from '../store/options.ts';
import type { StreamName } from '../store/stream-name.ts';
import type { EventMessage, LiveHub, LiveReader } from './live-hub.ts';

/** How many messages wait for a slow subscriber before it has to read pages again. */
export const queueMessages = 10_000;
/** How many bytes of data and metadata wait for a slow subscriber before it has to read pages again. */
export const queueBytes: number = 8 * 1024 * 1024;

/** Which events of `$all` wait, and how often those that do not are answered with a checkpoint. */
export interface LiveFilter {
  passes(event: RecordedEvent): boolean;
  readonly checkpointEvery: number;
}

/**
 * The live events of one subscription, until it takes them. Takes no space while there are none.
 *
 * Hand-over from pages to live events: there is no gap, because the queue has joined the hub before the last page is
 * read, or joins when nothing was published since; and no repeat, because it then forgets what stands at or before the
 * end of that page.
 */
export class LiveQueue implements LiveReader {
  readonly stream: StreamName;
  readonly #hub: LiveHub;
  readonly #filter: LiveFilter | undefined;
  #hasJoined = false;
  /** While joined: everything after this position is here. */
  #after = 0n;
  #messages: SubscriptionMessage[] | undefined;
  #bytes = 0;
  /** Events looked at since the last checkpoint. */
  #looked = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(hub: LiveHub, stream: StreamName, filter: LiveFilter | undefined) {
    this.stream = stream;
    this.#hub = hub;
    this.#filter = filter;
  }

  /** Whether nothing was missed since the hand-over. */
  get isWhole(): boolean {
    return this.#hasJoined;
  }

  /** Whether all events after `position`, where a page ended, are here or will be. If not: read another page. */
  handOver(position: bigint): boolean {
    if (!this.#hasJoined) {
      // What was published while the page was on its way is in the next page, and what comes from now on is here.
      const isOld = this.#hub.last > position;
      this.#after = isOld ? this.#hub.last : position;
      this.#looked = 0;
      this.#hub.join(this);
      this.#hasJoined = true;
      return !isOld;
    }
    if (position < this.#after) return false;
    this.#after = position;
    this.#messages = this.#messages?.filter((message) => positionOf(message) > position);
    return true;
  }

  /** What waits. Throws what the filter threw. */
  take(): readonly SubscriptionMessage[] {
    if (this.#failure !== undefined) throw this.#failure.error;
    const messages = this.#messages ?? [];
    this.#messages = undefined;
    this.#bytes = 0;
    return messages;
  }

  /** Ends when there may be something to take, or `wake` is called. */
  async wait(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  leave(): void {
    if (this.#hasJoined) this.#hub.leave(this);
    this.#hasJoined = false;
    this.#messages = undefined;
    this.#bytes = 0;
  }

  receive(message: EventMessage): void {
    const { event } = message;
    if (event.position <= this.#after) return;
    if (this.#filter === undefined || this.#passes(event)) this.#add(message);
    this.#looked += 1;
    if (this.#filter === undefined || this.#looked < this.#filter.checkpointEvery) return;
    this.#looked = 0;
    this.#add({ kind: 'checkpoint', position: event.position });
  }

  miss(): void {
    this.leave();
    this.wake();
  }

  end(): void {
    this.wake();
  }

  #passes(event: RecordedEvent): boolean {
    try {
      return this.#filter?.passes(event) ?? true;
    } catch (error) {
      // The filter is the subscriber's own: it must not stop the append that is being published.
      this.#failure = { error };
      this.wake();
      return false;
    }
  }

  #add(message: SubscriptionMessage): void {
    if (!this.#hasJoined) return;
    this.#messages ??= [];
    this.#messages.push(message);
    if (message.kind === 'event') this.#bytes += message.event.data.length + message.event.metadata.length;
    const count = this.#messages.length;
    if (count > queueMessages || (count > 1 && this.#bytes > queueBytes)) this.miss();
    else this.wake();
  }
}

/** Where in the log a message stands. */
export function positionOf(message: SubscriptionMessage): bigint {
  return message.kind === 'event' ? message.event.position : message.position;
}
