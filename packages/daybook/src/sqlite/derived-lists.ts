import { derivedStreamsOf } from '../store/derived-stream.ts';
import { revision } from '../store/position.ts';
import { categoryOf, isSystemStream } from '../store/stream-name.ts';
import type { RecordHead } from './record.ts';

/** Finds what is kept for each of the derived streams that an event belongs to, mostly without making their names. */
export class DerivedLists<List> {
  readonly #listOf: (name: string) => List;
  /** By category and type, for an event that is not the first of its stream and has no metadata, as most are. */
  readonly #byCategory = new Map<string, Map<string, readonly List[]>>();

  /** `listOf` gives what is kept for a derived stream: always the same. */
  constructor(listOf: (name: string) => List) {
    this.#listOf = listOf;
  }

  of(event: Pick<RecordHead, 'stream' | 'type' | 'revision' | 'metadata'>): readonly List[] {
    const { stream, type, metadata } = event;
    if (event.revision === 0 || metadata.length > 0 || isSystemStream(stream)) return this.#named(event);
    const category = categoryOf(stream) ?? '';
    let byType = this.#byCategory.get(category);
    if (byType === undefined) this.#byCategory.set(category, (byType = new Map()));
    let lists = byType.get(type);
    if (lists === undefined) byType.set(type, (lists = this.#named(event)));
    return lists;
  }

  #named(event: Pick<RecordHead, 'stream' | 'type' | 'revision' | 'metadata'>): readonly List[] {
    return derivedStreamsOf({ ...event, revision: revision(event.revision) }).map(this.#listOf);
  }
}
