import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import { position, revision, type Position, type Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import type { NamedSource } from './read-model.ts';

/** An event of one or several sources, with the number it has in each. */
export interface SourcedEvent {
  readonly event: RecordedEvent;
  /** The source that decodes it: the first one that it is in. */
  readonly source: NamedSource;
  readonly numbers: readonly (readonly [source: string, number: Revision])[];
}

/** Where and how far to read. */
export interface MergeOptions {
  readonly sources: readonly NamedSource[];
  /** By source: the last number that was seen. Default: none. */
  readonly after: ReadonlyMap<string, Revision>;
  /** The last position to give. */
  readonly upTo: Position;
  /** Events in one page. */
  readonly pageSize: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The events of several sources in the order of the log, each once, up to a position that was the end of the log before
 * the first read: so nothing that belongs between them can appear later. The order never depends on who answers first.
 */
export async function* readMerged(
  store: EventStore,
  { sources, after, upTo, pageSize, signal }: MergeOptions,
): AsyncGenerator<readonly SourcedEvent[], void, undefined> {
  const readers = sources.map((source) => {
    const from = { after: after.get(source.stream), upTo, pageSize, signal };
    return new SourceReader(source, pagesOf(store, source, from));
  });
  try {
    let page: SourcedEvent[] = [];
    for (;;) {
      for (const reader of readers) if (reader.mustRead) await reader.read();
      const next = earliest(readers);
      if (next === undefined) break;
      page.push(next);
      if (page.length < pageSize) continue;
      yield page;
      page = [];
    }
    if (page.length > 0) yield page;
  } finally {
    for (const reader of readers) await reader[Symbol.asyncDispose]();
  }
}

/** The number by which a source counts an event: its place in a derived stream, in its own stream, or in `$all`. */
export function numberIn(source: string, event: RecordedEvent): Revision {
  if (source === '$all') return revision(event.position);
  return event.link?.revision ?? event.revision;
}

interface From {
  readonly after: Revision | undefined;
  readonly upTo: Position;
  readonly pageSize: number;
  readonly signal: AbortSignal | undefined;
}

async function* pagesOf(
  store: EventStore,
  { stream }: NamedSource,
  { after, upTo, pageSize, signal }: From,
): AsyncGenerator<readonly RecordedEvent[], void, undefined> {
  const options = { pageSize, signal };
  const next = (after ?? -1n) + 1n;
  const read =
    stream === '$all'
      ? store.readAll({ ...options, from: position(next) })
      : // A source was checked when the model was defined, or comes from where names are made.
        store.readStream(stream as StreamName, { ...options, from: revision(next) });
  for await (const page of read.pages()) {
    const within = page.filter((event) => event.position <= upTo);
    if (within.length > 0) yield within;
    if (within.length < page.length) return;
  }
}

class SourceReader implements AsyncDisposable {
  readonly source: NamedSource;
  readonly #pages: AsyncGenerator<readonly RecordedEvent[], void, undefined>;
  #page: readonly RecordedEvent[] = [];
  #index = 0;
  #isDone = false;

  constructor(source: NamedSource, pages: AsyncGenerator<readonly RecordedEvent[], void, undefined>) {
    this.source = source;
    this.#pages = pages;
  }

  get mustRead(): boolean {
    return !this.#isDone && this.#index >= this.#page.length;
  }

  get head(): RecordedEvent | undefined {
    return this.#page[this.#index];
  }

  async read(): Promise<void> {
    const { value, done } = await this.#pages.next();
    this.#page = value ?? [];
    this.#index = 0;
    this.#isDone = done === true;
  }

  pass(): void {
    this.#index += 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pages.return();
  }
}

function earliest(readers: readonly SourceReader[]): SourcedEvent | undefined {
  let first: { readonly event: RecordedEvent; readonly source: NamedSource } | undefined;
  for (const { head, source } of readers) {
    if (head !== undefined && (first === undefined || head.position < first.event.position)) {
      first = { event: head, source };
    }
  }
  if (first === undefined) return undefined;
  const numbers: (readonly [string, Revision])[] = [];
  for (const reader of readers) {
    if (reader.head?.position !== first.event.position) continue;
    numbers.push([reader.source.stream, numberIn(reader.source.stream, reader.head)]);
    reader.pass();
  }
  return { ...first, numbers };
}
