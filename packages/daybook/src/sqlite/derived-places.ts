import { derivedStreamsOf } from '../store/derived-stream.ts';
import { revision } from '../store/position.ts';
import { categoryOf, isSystemStream } from '../store/stream-name.ts';
import type { RecordHead } from './record.ts';
import type { Tail } from './tail.ts';

/** Keeps the derived streams of the tail. */
export class DerivedPlaces {
  readonly #tail: Tail;
  /**
   * By category and type, the lists of an event that is not the first of its stream and has no metadata, as most are.
   * They are those of one generation of the tail.
   */
  readonly #byCategory = new Map<string, Map<string, readonly number[][]>>();
  #generation = 0;

  constructor(tail: Tail) {
    this.#tail = tail;
  }

  /** Adds the event at the last position of the tail to the derived streams that it belongs to. */
  add(event: Pick<RecordHead, 'stream' | 'type' | 'revision' | 'metadata'>): void {
    const { last } = this.#tail;
    for (const positions of this.#listsOf(event)) positions.push(last);
  }

  /** Lets go of all lists. */
  forget(): void {
    this.#byCategory.clear();
  }

  #listsOf(event: Pick<RecordHead, 'stream' | 'type' | 'revision' | 'metadata'>): readonly number[][] {
    const { stream, type, metadata } = event;
    if (event.revision === 0 || metadata.length > 0 || isSystemStream(stream)) return this.#named(event);
    if (this.#tail.generation !== this.#generation) {
      this.forget();
      this.#generation = this.#tail.generation;
    }
    const category = categoryOf(stream) ?? '';
    let byType = this.#byCategory.get(category);
    if (byType === undefined) this.#byCategory.set(category, (byType = new Map()));
    let lists = byType.get(type);
    if (lists === undefined) byType.set(type, (lists = this.#named(event)));
    return lists;
  }

  #named(event: Pick<RecordHead, 'stream' | 'type' | 'revision' | 'metadata'>): readonly number[][] {
    return derivedStreamsOf({ ...event, revision: revision(event.revision) }).map((name) => this.#tail.derived(name));
  }
}
