import type { EventRead, EventStore, Paged, RecordedEvent, ScavengingStore, StreamName } from 'daybook';

/** A store that behaves in one way differently from the correct one that it stands in front of. */
export interface Mutant {
  /** What is wrong with it. */
  readonly name: string;
  readonly alter: (store: ScavengingStore) => Partial<ScavengingStore>;
}

/** `store`, but for what `changes` does instead. */
export function alteredStore(store: ScavengingStore, changes: Partial<ScavengingStore>): ScavengingStore {
  return {
    append: (stream, events, options) => store.append(stream, events, options),
    appendAll: (appends, options) => store.appendAll(appends, options),
    deleteStream: (stream, options) => store.deleteStream(stream, options),
    tombstoneStream: (stream, options) => store.tombstoneStream(stream, options),
    readStream: (stream, options) => store.readStream(stream, options),
    readAll: (options) => store.readAll(options),
    subscribeToStream: (stream, options) => store.subscribeToStream(stream, options),
    subscribeToAll: (options) => store.subscribeToAll(options),
    streamState: (stream) => store.streamState(stream),
    listStreams: (options) => store.listStreams(options),
    listCategories: () => store.listCategories(),
    listEventTypes: () => store.listEventTypes(),
    head: () => store.head(),
    planScavenge: (options) => store.planScavenge(options),
    scavenge: (options) => store.scavenge(options),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    ...changes,
  };
}

/** What a function makes of all results, in pages of its own. */
export function pagedAnew<Item>(pages: () => AsyncGenerator<readonly Item[], void, undefined>): Paged<Item> {
  return {
    pages,
    async *[Symbol.asyncIterator]() {
      for await (const page of pages()) yield* page;
    },
  };
}

/** A read whose pages are changed, one by one. Pages that become empty are left out. */
export function readChanged(
  read: EventRead,
  change: (page: readonly RecordedEvent[]) => readonly RecordedEvent[] | Promise<readonly RecordedEvent[]>,
): EventRead {
  return pagedAnew(async function* changed() {
    for await (const page of read.pages()) {
      const events = await change(page);
      if (events.length > 0) yield events;
    }
  });
}

/** The event that a link event stands for, hidden or not. */
export async function target(store: EventStore, link: RecordedEvent): Promise<RecordedEvent> {
  const [event] = await Array.fromAsync(store.readAll({ from: link.position, limit: 1 }));
  if (event === undefined) throw new RangeError(`nothing at ${link.position}`);
  return { ...event, link: { stream: link.stream, revision: link.revision } };
}

export function isDerived(stream: StreamName): boolean {
  return stream.startsWith('$') && !stream.startsWith('$$');
}
