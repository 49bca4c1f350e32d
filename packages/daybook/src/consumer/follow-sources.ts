import { StoreUnavailable } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import type { SubscriptionMessage } from '../store/options.ts';
import { revision, type Position, type Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';

/** A source, and the last number of it that was seen. */
export interface SourcePlace {
  readonly stream: StreamName;
  /** -1: nothing yet. */
  readonly after: bigint;
}

/** The number that an event has in a source, which is given by its place in the list of sources. */
export interface NumberIn {
  readonly source: number;
  readonly number: Revision;
}

/** An event, and the number it has in each of the sources that it is in. */
export interface SourcedEvent {
  readonly event: RecordedEvent;
  readonly numbers: readonly [NumberIn, ...NumberIn[]];
}

/** What `followSources` gives: events, or the news that there are no more for now. */
export type SourceMessage =
  | { readonly kind: 'events'; readonly events: readonly SourcedEvent[] }
  | { readonly kind: 'caught-up' };

/**
 * The events of several sources in the order of the log, then what is appended, each once, and always in the same
 * order, whichever source answers first. Ends by throwing when `signal` aborts, or what a subscription throws.
 */
export async function* followSources(
  store: EventStore,
  sources: readonly SourcePlace[],
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<SourceMessage, void, undefined> {
  const stopping = new AbortController();
  const all = AbortSignal.any([signal, stopping.signal]);
  const feeds = sources.map((place, source) => new Feed(store, place, { source, signal: all }));
  let isTold = false;
  try {
    for (;;) {
      const events = await takeReady(feeds);
      if (events.length > 0) yield { kind: 'events', events };
      if (events.length > 0) isTold = false;
      if (feeds.some(({ head }) => head !== undefined)) {
        await Promise.all(feeds.filter(({ mustPull }) => mustPull).map((feed) => feed.pull()));
        continue;
      }
      if (!isTold && feeds.every(({ isCaughtUp }) => isCaughtUp)) {
        isTold = true;
        yield { kind: 'caught-up' };
      }
      await Promise.race(feeds.map((feed) => feed.pull()));
    }
  } finally {
    stopping.abort();
    await Promise.allSettled(feeds.map((feed) => feed.end()));
  }
}

/** Events in one page that is given on. */
const pageEvents = 500;

/** What can be given now: everything that no other source can still come before. */
async function takeReady(feeds: readonly Feed[]): Promise<readonly SourcedEvent[]> {
  const events: SourcedEvent[] = [];
  while (events.length < pageEvents) {
    const first = earliest(feeds);
    if (first === undefined) break;
    const { position } = first;
    // One after the other, so that the same log is always read in the same way.
    let isFirst = true;
    for (const feed of feeds) isFirst = isFirst && (await feed.isBehind(position));
    if (!isFirst) break;
    const numbers = feeds.filter(({ head }) => head?.position === position).map((feed) => feed.take());
    const [one, ...others] = numbers;
    if (one !== undefined) events.push({ event: first, numbers: [one, ...others] });
  }
  return events;
}

function earliest(feeds: readonly Feed[]): RecordedEvent | undefined {
  let first: RecordedEvent | undefined;
  for (const { head } of feeds)
    if (head !== undefined && (first === undefined || head.position < first.position)) first = head;
  return first;
}

/** One subscription, a page of it at a time. */
class Feed {
  readonly #store: EventStore;
  readonly #source: number;
  readonly #stream: StreamName;
  readonly #pages: AsyncIterator<readonly SubscriptionMessage[]>;
  readonly #signal: AbortSignal;
  #queue: RecordedEvent[] = [];
  #next = 0;
  #pulling: Promise<void> | undefined;
  /** The last number that was pulled. */
  #last: bigint;
  /** Nothing that has not been pulled stands at or before this position. */
  #complete = 0n;
  #isCaughtUp = false;

  constructor(store: EventStore, { stream, after }: SourcePlace, options: { source: number; signal: AbortSignal }) {
    const { source, signal } = options;
    this.#store = store;
    this.#source = source;
    this.#stream = stream;
    this.#last = after;
    this.#signal = signal;
    const subscription = store.subscribeToStream(stream, { after: after < 0n ? 'start' : revision(after), signal });
    this.#pages = subscription.pages()[Symbol.asyncIterator]();
  }

  get head(): RecordedEvent | undefined {
    return this.#queue[this.#next];
  }

  get isCaughtUp(): boolean {
    return this.#isCaughtUp;
  }

  /** Whether others wait for what it reads next: it has nothing, and is not at the end yet. */
  get mustPull(): boolean {
    return this.head === undefined && !this.#isCaughtUp;
  }

  /** Takes the next page, unless that is under way. */
  pull(): Promise<void> {
    this.#pulling ??= this.#pull();
    return this.#pulling;
  }

  take(): NumberIn {
    const event = this.#queue[this.#next]!; // Who takes has looked at the head.
    this.#next += 1;
    if (this.#next === this.#queue.length) {
      this.#queue = [];
      this.#next = 0;
    }
    return { source: this.#source, number: event.link?.revision ?? event.revision };
  }

  /** Whether nothing more can come that stands before `position`. */
  async isBehind(position: Position): Promise<boolean> {
    if (this.head !== undefined || this.#complete >= position) return true;
    if (!this.#isCaughtUp) return false;
    // The event at `position` is in the log, so a read that begins now sees everything before it.
    const read = this.#store.readStream(this.#stream, {
      from: revision(this.#last + 1n),
      limit: 1,
      signal: this.#signal,
    });
    for await (const event of read) {
      if (event.position > position) break;
      await this.pull();
      return false;
    }
    this.#complete = position;
    return true;
  }

  async end(): Promise<void> {
    await this.#pulling?.catch(() => {}); // It ends because it was aborted.
    await this.#pages.return?.();
  }

  async #pull(): Promise<void> {
    const { value, done } = await this.#pages.next();
    this.#pulling = undefined;
    if (done === true) {
      this.#signal.throwIfAborted();
      throw new StoreUnavailable(`The subscription to ${this.#stream} ended.`);
    }
    for (const message of value) this.#receive(message);
  }

  #receive(message: SubscriptionMessage): void {
    switch (message.kind) {
      case 'event': {
        const { event } = message;
        this.#queue.push(event);
        this.#last = event.link?.revision ?? event.revision;
        this.#complete = event.position;
        break;
      }
      case 'caught-up':
        this.#isCaughtUp = true;
        if (message.position > this.#complete) this.#complete = message.position;
        break;
      case 'fell-behind':
        this.#isCaughtUp = false;
        break;
      case 'checkpoint':
        break;
      default:
        message satisfies never;
    }
  }
}
