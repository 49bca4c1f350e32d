import { randomUUID } from 'node:crypto';

import { LiveHub } from '../internal/live-hub.ts';
import { allSubscription, streamSubscription } from '../internal/live.ts';
import { paged } from '../internal/paged.ts';
import { checkDeletable, checkEvents, checkExpected, checkNotEmpty, checkWritable } from '../store/check-append.ts';
import { checkLimits, checkNotAll, checkRead } from '../store/check-options.ts';
import { StoreClosed } from '../store/errors.ts';
import type { NewEvent } from '../store/event.ts';
import { defaultLimits, type Limits } from '../store/limits.ts';
import type {
  AppendAllOptions,
  Appended,
  AppendedAll,
  AppendOptions,
  CategorySummary,
  DeleteOptions,
  EventRead,
  EventTypeSummary,
  ListStreamsOptions,
  LogHead,
  Paged,
  ReadAllOptions,
  ReadStreamOptions,
  StreamAppend,
  StreamState,
  StreamSummary,
  SubscribeToAllOptions,
  SubscribeToStreamOptions,
  Subscription,
} from '../store/options.ts';
import { position, type Position } from '../store/position.ts';
import type { ScavengeOptions, ScavengeProgress, ScavengingStore } from '../store/scavenge.ts';
import type { StreamName } from '../store/stream-name.ts';
import { append, appendAll, deleteStream, tombstoneStream, type Written } from './append.ts';
import { listCategories, listEventTypes, listStreams } from './listings.ts';
import { allLivePages, streamLivePages } from './live-pages.ts';
import { Log, recorded } from './log.ts';
import { readAll, readStream } from './read.ts';
import { scavenge } from './scavenge.ts';
import { streamState } from './stream-state.ts';

export interface MemoryStoreOptions {
  /** Sizes to accept. Default: those of `defaultLimits`. */
  readonly limits?: Partial<Limits> | undefined;
  /** The clock, in epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** An event store whose log is gone when it is disposed of. */
export interface MemoryStore extends ScavengingStore {
  /** How many subscriptions are being iterated. */
  readonly subscribers: number;
}

/** An event store in memory, for tests and for trying things out. It forgets everything with its process. */
export function openMemoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const limits = { ...defaultLimits, ...options.limits };
  checkLimits(limits);
  return new Memory(limits, options.now ?? Date.now);
}

class Memory implements MemoryStore {
  readonly #log = new Log();
  readonly #hub = new LiveHub();
  readonly #logId: string = randomUUID();
  readonly #limits: Limits;
  readonly #now: () => number;

  constructor(limits: Limits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  get subscribers(): number {
    return this.#hub.subscribers;
  }

  async append(stream: StreamName, events: readonly NewEvent[], { expected }: AppendOptions): Promise<Appended> {
    this.#checkOpen();
    checkWritable(stream);
    checkExpected(expected);
    checkNotEmpty(events);
    checkEvents(events, this.#limits);
    return this.#publish(append(this.#log, { stream, events, expected }, this.#now()));
  }

  async appendAll(appends: readonly StreamAppend[], { checks = [] }: AppendAllOptions = {}): Promise<AppendedAll> {
    this.#checkOpen();
    for (const { stream, events, expected } of appends) {
      checkWritable(stream);
      checkExpected(expected);
      checkNotEmpty(events);
    }
    checkEvents(
      appends.flatMap(({ events }) => events),
      this.#limits,
    );
    return this.#publish(appendAll(this.#log, { appends, checks, nowMs: this.#now() }));
  }

  async deleteStream(stream: StreamName, { expected }: DeleteOptions): Promise<{ position: Position }> {
    this.#checkOpen();
    checkDeletable(stream);
    checkExpected(expected);
    const deleted = this.#publish(deleteStream(this.#log, { stream, expected, nowMs: this.#now() }));
    return { position: position(deleted.position) };
  }

  async tombstoneStream(stream: StreamName, { expected }: DeleteOptions): Promise<{ position: Position }> {
    this.#checkOpen();
    checkDeletable(stream);
    checkExpected(expected);
    const tombstone = this.#publish(tombstoneStream(this.#log, { stream, expected, nowMs: this.#now() }));
    return { position: position(tombstone.position) };
  }

  readStream(stream: StreamName, options: ReadStreamOptions = {}): EventRead {
    checkNotAll(stream);
    checkRead(options);
    return this.#paged(() => readStream(this.#log, { ...options, stream, now: this.#now }));
  }

  readAll(options: ReadAllOptions = {}): EventRead {
    checkRead(options);
    return this.#paged(() => readAll(this.#log, options));
  }

  subscribeToStream(stream: StreamName, options: SubscribeToStreamOptions = {}): Subscription {
    checkNotAll(stream);
    const read = streamLivePages(this.#log, { stream, links: options.links, now: this.#now });
    return streamSubscription(this.#hub, { ...options, stream, read });
  }

  subscribeToAll(options: SubscribeToAllOptions = {}): Subscription {
    return allSubscription(this.#hub, { ...options, read: allLivePages(this.#log, options.filter) });
  }

  async streamState(stream: StreamName): Promise<StreamState> {
    this.#checkOpen();
    return streamState(this.#log, stream, this.#now());
  }

  listStreams(options: ListStreamsOptions = {}): Paged<StreamSummary> {
    return this.#list(() => listStreams(this.#log, options), options.signal);
  }

  listCategories(): Paged<CategorySummary> {
    return this.#list(() => listCategories(this.#log));
  }

  listEventTypes(): Paged<EventTypeSummary> {
    return this.#list(() => listEventTypes(this.#log));
  }

  async head(): Promise<LogHead> {
    this.#checkOpen();
    const { end } = this.#log;
    return { ...(end > 0 && { position: position(end) }), logId: this.#logId, epoch: 0 };
  }

  planScavenge(options: ScavengeOptions = {}): AsyncIterable<ScavengeProgress> {
    return this.#guarded(scavenge(this.#log, { ...options, now: this.#now, free: () => undefined }));
  }

  scavenge(options: ScavengeOptions = {}): AsyncIterable<ScavengeProgress> {
    const free = ({ position: place }: { readonly position: number }): void => this.#log.free(place);
    return this.#guarded(scavenge(this.#log, { ...options, now: this.#now, free }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hub[Symbol.dispose]();
  }

  #checkOpen(): void {
    if (this.#hub.isClosed) throw new StoreClosed();
  }

  #publish<Answer>({ answer, added }: Written<Answer>): Answer {
    const end = added.at(-1);
    if (this.#hub.subscribers > 0) this.#hub.publish(added.map(recorded));
    else if (end !== undefined) this.#hub.skip(position(end.position));
    return answer;
  }

  #paged<Item>(pages: () => AsyncGenerator<readonly Item[], void, undefined>): Paged<Item> {
    return paged(() => this.#guarded(pages()));
  }

  #list<Item>(items: () => readonly Item[], signal?: AbortSignal): Paged<Item> {
    return this.#paged(async function* list() {
      signal?.throwIfAborted();
      const page = items();
      if (page.length > 0) yield page;
    });
  }

  /** What `items` gives, as long as the store is open. */
  async *#guarded<Item>(items: AsyncGenerator<Item, void, undefined>): AsyncGenerator<Item, void, undefined> {
    this.#checkOpen();
    for await (const item of items) {
      yield item;
      this.#checkOpen();
    }
  }
}
