import { StoreUnavailable, type EventStore, type RecordedEvent } from 'daybook';
import { openMemoryStore, type MemoryStore } from 'daybook/memory';

/** A log that can be put back to an earlier copy of itself while everybody is connected to it, as a server's can. */
export class SimulatedLog {
  /** The log as everybody sees it. */
  readonly store: EventStore;
  readonly #now: () => number;
  #memory: MemoryStore;
  #replayedMs: number | undefined;
  #epoch = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.#memory = this.#open();
    this.store = this.#throughTheNetwork();
  }

  /** All that is in it. */
  async copy(): Promise<readonly RecordedEvent[]> {
    return Array.fromAsync(this.#memory.readAll());
  }

  /** Puts it back. What is under way fails, and what is subscribed to ends. */
  async restore(events: readonly RecordedEvent[]): Promise<void> {
    const old = this.#memory;
    const restored = this.#open();
    for (const event of events) {
      const { stream, id, type, data, metadata, contentType, position } = event;
      this.#replayedMs = event.created.getTime();
      const again = { id, type, data, metadata, contentType };
      const appended = await restored.append(stream, [again], { expected: 'any' });
      if (appended.position !== position) throw new Error(`${position} came back as ${appended.position}`);
    }
    this.#replayedMs = undefined;
    this.#memory = restored;
    this.#epoch += 1;
    await old[Symbol.asyncDispose]();
  }

  #open(): MemoryStore {
    return openMemoryStore({ now: () => this.#replayedMs ?? this.#now() });
  }

  #throughTheNetwork(): EventStore {
    const call = async (name: string, words: readonly unknown[]): Promise<unknown> => {
      const memory = this.#memory;
      const answer = (await Reflect.apply(methodOf(memory, name), memory, words)) as object;
      if (memory !== this.#memory) throw new StoreUnavailable('The log was restored meanwhile.');
      return name === 'head' ? { ...answer, logId: 'the-log', epoch: this.#epoch } : answer;
    };
    const stream = (name: string, words: readonly unknown[]): unknown => {
      const pages = (): AsyncGenerator<readonly unknown[]> => this.#pages(name, words);
      return {
        pages,
        async *[Symbol.asyncIterator]() {
          for await (const page of pages()) yield* page;
        },
      };
    };
    return new Proxy<EventStore>({} as EventStore, {
      get: (_target, name) => {
        const word = String(name);
        const isPaged = /^(?:read|subscribe|list)/.test(word);
        return (...words: readonly unknown[]) => (isPaged ? stream(word, words) : call(word, words));
      },
    });
  }

  async *#pages(name: string, words: readonly unknown[]): AsyncGenerator<readonly unknown[]> {
    const memory = this.#memory;
    const paged = Reflect.apply(methodOf(memory, name), memory, words) as {
      pages(): AsyncIterable<readonly unknown[]>;
    };
    for await (const page of paged.pages()) {
      if (memory !== this.#memory) throw new StoreUnavailable('The log was restored meanwhile.');
      yield page;
    }
  }
}

function methodOf(memory: MemoryStore, name: string): (...words: readonly unknown[]) => unknown {
  return Reflect.get(memory, name) as (...words: readonly unknown[]) => unknown; // All that is asked for are methods.
}
