import { revision, type ExpectedRevision, type StreamName } from 'daybook';

/** Streams whose place is remembered. Events of others are recognised by their ids alone. */
const knownStreams = 100_000;

/**
 * Where the next event of each stream belongs, if the stream holds what was imported and nothing else. An event at a
 * named place is recognised even when the stream hides it; without a place, only among the visible ones.
 */
export class Places {
  readonly #counts = new Map<StreamName, number | 'any'>();

  /** What to expect of a stream before its next event. */
  expected(stream: StreamName): ExpectedRevision {
    const count = this.#counts.get(stream) ?? (this.#counts.size < knownStreams ? 0 : 'any');
    if (count === 'any') return 'any';
    return count === 0 ? 'no-stream' : revision(count - 1);
  }

  /** Notes that so many events more of the file are in the stream. */
  advance(stream: StreamName, events = 1): void {
    const count = this.#counts.get(stream) ?? 0;
    if (count !== 'any' && (count > 0 || this.#counts.size < knownStreams)) this.#counts.set(stream, count + events);
  }

  /** Notes that the stream has other events as well. */
  leave(stream: StreamName): void {
    this.#counts.set(stream, 'any');
  }
}
