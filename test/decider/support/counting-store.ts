import type { EventRead, EventStore, RecordedEvent } from 'daybook';

/** A store that counts what is read from the one behind it. */
export interface CountingStore {
  readonly store: EventStore;
  /** Reads of a stream, and the events that they gave, since the last question. */
  readonly counted: () => { readonly reads: number; readonly events: number };
}

export function countingStore(behind: EventStore): CountingStore {
  let reads = 0;
  let events = 0;
  const store: EventStore = new Proxy(behind, {
    get: (target, name) => {
      if (name === 'readStream') {
        return (...options: Parameters<EventStore['readStream']>): EventRead => {
          reads += 1;
          const read = target.readStream(...options);
          async function* pages(): AsyncGenerator<readonly RecordedEvent[], void, undefined> {
            for await (const page of read.pages()) {
              events += page.length;
              yield page;
            }
          }
          async function* items(): AsyncGenerator<RecordedEvent, undefined, undefined> {
            for await (const page of pages()) yield* page;
            return undefined;
          }
          return { pages, [Symbol.asyncIterator]: items };
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return {
    store,
    counted: () => {
      const counts = { reads, events };
      reads = 0;
      events = 0;
      return counts;
    },
  };
}
