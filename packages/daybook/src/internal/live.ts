import { setImmediate as breathe } from 'node:timers/promises';

import { derivedStream } from '../store/derived-stream.ts';
import { InvalidOption, StoreClosed, StreamTombstoned } from '../store/errors.ts';
import type { RecordedEvent } from '../store/event.ts';
import { passes } from '../store/filter.ts';
import type {
  SubscribeToAllOptions,
  SubscribeToStreamOptions,
  Subscription,
  SubscriptionMessage,
} from '../store/options.ts';
import { tombstoneRevision, type Position, type Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import { linkEvent } from './link-event.ts';
import type { LiveHub } from './live-hub.ts';
import { LiveQueue, positionOf, type LiveFilter } from './live-queue.ts';
import { paged } from './paged.ts';

/**
 * Reads a page of what a subscription goes through, from one snapshot of the log, at once or as a promise.
 *
 * `after` is the last number that was read: a revision of the stream, a number of the derived stream, or a position of
 * `$all`. Before the first it is -1, and 0 for `$all`. `'end'` asks for the end of the log and no events. `look` is how
 * many events to look at, at most; with a filter, those that do not match count too.
 *
 * A page that is asked for after `publish` or `skip` contains what they were about. A tombstoned stream gives its
 * tombstone and ends, whatever `after` is. The subscriber gets what a page reader throws.
 */
export type ReadLivePage = (after: bigint | 'end', look: number) => LivePage | Promise<LivePage>;

export interface LivePage {
  /** The events to give, in order: those of a derived stream with their `link`, or the link events themselves. */
  readonly events: readonly RecordedEvent[];
  /** The last number that was looked at, given or not: where the next page goes on. Never below `after`. */
  readonly through: bigint;
  /** How many events were looked at. Only counts with a filter. */
  readonly looked: number;
  /** Present when nothing follows in the snapshot that the page was read from. */
  readonly end?: LiveEnd | undefined;
}

/** Where a snapshot of the log ends. */
export interface LiveEnd {
  /** Of the last event of the log, of whatever stream. 0 when there is none. */
  readonly position: bigint;
  /** Of the last event of the stream, or the last number of the derived stream. -1 when there is none, and for `$all`. */
  readonly revision: bigint;
}

/** How many events one page of catching up looks at. */
const pageEvents = 500;

/** A subscription to a stream, a derived stream or a metadata stream. */
export function streamSubscription(
  hub: LiveHub,
  options: SubscribeToStreamOptions & { readonly stream: StreamName; readonly read: ReadLivePage },
): Subscription {
  return subscription(hub, { ...options, first: -1n, isDerived: derivedStream(options.stream) !== undefined });
}

/** A subscription to `$all`. `read` applies the filter to pages. */
export function allSubscription(
  hub: LiveHub,
  options: SubscribeToAllOptions & { readonly read: ReadLivePage },
): Subscription {
  const { filter, checkpointEvery = 1_000 } = options;
  if (!Number.isSafeInteger(checkpointEvery) || checkpointEvery < 1) {
    throw new InvalidOption('checkpointEvery', `${checkpointEvery} is not a whole number above 0`);
  }
  const stream = '$all' as StreamName; // A constant that is a name.
  const liveFilter = filter && { passes: passes(filter), checkpointEvery };
  return subscription(hub, { ...options, stream, first: 0n, isDerived: false, liveFilter });
}

interface Source {
  readonly stream: StreamName;
  readonly read: ReadLivePage;
  readonly after?: bigint | 'start' | 'end' | undefined;
  /** What `start` stands for. */
  readonly first: bigint;
  readonly isDerived: boolean;
  readonly links?: 'resolve' | 'keep' | undefined;
  readonly liveFilter?: LiveFilter | undefined;
  readonly signal?: AbortSignal | undefined;
}

function subscription(hub: LiveHub, source: Source): Subscription {
  return paged(() => {
    const subscriber = new Subscriber(hub, source);
    const pages = subscriber.pages();
    const leave = pages.return.bind(pages);
    // A generator that waits for events would not notice that it was left: it is stopped first.
    return Object.assign(pages, { return: () => (subscriber.stop(), leave()) });
  });
}

type Pages = AsyncGenerator<readonly SubscriptionMessage[], void, undefined>;

/** One iteration of a subscription: where it stands, and the messages that follow. */
class Subscriber {
  readonly #hub: LiveHub;
  readonly #source: Source;
  readonly #queue: LiveQueue;
  readonly #isAll: boolean;
  /** The last number that was given or passed over: where pages go on. */
  #number: bigint;
  /** Everything up to here was given. */
  #position: bigint;
  #checkpointed: bigint;
  /** Of a derived stream: the number of its last event. */
  #lastNumber = -1n;
  /** Events looked at in pages since the last checkpoint. */
  #looked = 0;
  #isStopped = false;

  constructor(hub: LiveHub, source: Source) {
    this.#hub = hub;
    this.#source = source;
    this.#queue = new LiveQueue(hub, source.stream, source.liveFilter);
    this.#isAll = source.stream === '$all';
    this.#number = typeof source.after === 'bigint' ? source.after : source.first;
    this.#position = this.#isAll ? this.#number : 0n;
    this.#checkpointed = this.#position;
  }

  async *pages(): Pages {
    const { signal, after } = this.#source;
    using _ = this.#hub.enter();
    const wake = (): void => this.#queue.wake();
    signal?.addEventListener('abort', wake);
    try {
      yield* this.#readPages(after === 'end' ? 'end' : this.#number);
      for (;;) {
        yield* this.#followLog();
        if (this.#isStopped) return;
        yield [{ kind: 'fell-behind', position: this.#position as Position }]; // It came from an event or a page.
        yield* this.#readPages(this.#number);
      }
    } finally {
      signal?.removeEventListener('abort', wake);
      this.#queue.leave();
    }
  }

  /** Ends the iteration, even while it waits. */
  stop(): void {
    this.#isStopped = true;
    this.#queue.wake();
  }

  /** Gives pages until nothing follows and the queue has what comes. */
  async *#readPages(from: bigint | 'end'): Pages {
    for (let after = from; !this.#isStopped; after = this.#number) {
      this.#check();
      const reading = this.#source.read(after, this.#look());
      const page = reading instanceof Promise ? await reading : reading;
      this.#check();
      if (after === 'end') this.#checkpointed = page.end?.position ?? 0n;
      const messages = this.#open(page);
      const { end } = page;
      const isLive = end !== undefined && this.#queue.handOver(end.position);
      if (isLive) messages.push(...this.#goLive(end));
      if (messages.length > 0) yield messages;
      this.#refuseTombstoned(page.events.at(-1));
      if (isLive) return;
      // Pages that are there at once would keep everything else in this process waiting.
      if (page === reading) await breathe();
    }
  }

  /** Gives what is published, until the queue has missed something. */
  async *#followLog(): Pages {
    while (!this.#isStopped) {
      this.#check();
      if (!this.#queue.isWhole) return;
      const messages = this.#queue.take();
      if (messages.length === 0) {
        await this.#queue.wait();
        continue;
      }
      const given = messages.flatMap((message) => this.#give(message));
      if (given.length > 0) yield given;
      const last = messages.at(-1);
      this.#refuseTombstoned(last?.kind === 'event' ? last.event : undefined);
    }
  }

  #check(): void {
    this.#source.signal?.throwIfAborted();
    if (this.#hub.isClosed) throw new StoreClosed();
  }

  /** How many events the next page may look at: none beyond the next checkpoint. */
  #look(): number {
    const { liveFilter } = this.#source;
    return liveFilter === undefined ? pageEvents : Math.min(pageEvents, liveFilter.checkpointEvery - this.#looked);
  }

  /** What a page stands for. */
  #open({ events, through, looked }: LivePage): SubscriptionMessage[] {
    const messages: SubscriptionMessage[] = events.map((event) => ({ kind: 'event', event }));
    this.#number = through;
    this.#position = this.#isAll ? through : (events.at(-1)?.position ?? this.#position);
    this.#looked += looked;
    if (this.#looked >= (this.#source.liveFilter?.checkpointEvery ?? Infinity)) messages.push(...this.#checkpoint());
    return messages;
  }

  /** What is said on going live at the end of the log. */
  #goLive({ position, revision }: LiveEnd): readonly SubscriptionMessage[] {
    if (this.#position < position) this.#position = position;
    this.#lastNumber = revision;
    const checkpoint = this.#source.liveFilter === undefined ? [] : this.#checkpoint();
    const last = revision < 0n ? undefined : (revision as Revision); // The page took both numbers from the log.
    return [...checkpoint, { kind: 'caught-up', position: position as Position, revision: last }];
  }

  /** A checkpoint where pages stand, unless there was one. */
  #checkpoint(): readonly SubscriptionMessage[] {
    this.#looked = 0;
    if (this.#position <= this.#checkpointed) return [];
    this.#checkpointed = this.#position;
    return [{ kind: 'checkpoint', position: this.#position as Position }]; // It came from a page.
  }

  /** A live message as the subscriber gets it, or nothing when it stands at or before `after`. */
  #give(message: SubscriptionMessage): readonly SubscriptionMessage[] {
    return this.#isAll ? this.#giveOfAll(message) : this.#giveOfStream(message);
  }

  #giveOfAll(message: SubscriptionMessage): readonly SubscriptionMessage[] {
    const at = positionOf(message);
    if (at < this.#number || (at === this.#number && message.kind === 'event')) return [];
    this.#number = this.#position = at;
    return [message];
  }

  #giveOfStream(message: SubscriptionMessage): readonly SubscriptionMessage[] {
    if (message.kind !== 'event') return [message];
    const { event } = message;
    const { stream, isDerived, links } = this.#source;
    const number = isDerived ? (this.#lastNumber += 1n) : event.revision;
    this.#position = event.position;
    if (number <= this.#number) return [];
    this.#number = number;
    if (!isDerived) return [message];
    const link = { stream, revision: number as Revision }; // It goes on from a number that a page took from the log.
    return [{ kind: 'event', event: links === 'keep' ? linkEvent(event, link) : { ...event, link } }];
  }

  #refuseTombstoned(last: RecordedEvent | undefined): void {
    if (last?.revision === tombstoneRevision && !this.#isAll) throw new StreamTombstoned(this.#source.stream);
  }
}
