import { derivedStream } from '../store/derived-stream.ts';
import { DerivedLists } from './derived-lists.ts';
import { LostEvents } from './lost-events.ts';
import type { RecordHead } from './record.ts';

/** How many events go into one generation: the unit in which indexed events are forgotten. */
export const generationEvents = 8_192;

/** The newest places of all streams for a stretch of the log. What is known of an event is in arrays, by its place. */
interface Generation {
  /** Where its arrays begin in the log. */
  readonly first: number;
  last: number;
  /** Where the last event of each stream stands. */
  readonly streams: Map<string, number>;
  /** How far before an event the one before it in its stream stands, 0 when that is not here in memory. */
  readonly distances: Uint32Array;
  readonly idHashes: Float64Array;
  /** Where the events of each derived stream stand. */
  readonly derived: ReadonlyMap<string, readonly number[]>;
  /** The same, to add to. */
  readonly lists: DerivedLists<number[]>;
  readonly tombstones: Map<string, number>;
  /** How many numbers of its stream an event stands for besides its own: those of lost events before it. */
  readonly gaps: Map<number, number>;
}

const none: readonly number[] = [];

/**
 * The newest part of the indexes, in memory: the places of all events that are not known to be in the index file. What
 * the index has taken over is dropped a generation at a time.
 *
 * There are few objects for the garbage collector to look at, however many streams there are: those of a busy store
 * would keep it busy, and whoever appends waits for it.
 */
export class Tail {
  /** Those of the whole log. */
  readonly lost: LostEvents;
  #generations: Generation[] = [];
  /** Everything up to here is in the index file. */
  #indexed: number;
  #last: number;

  /** `lost` is what the index knows of lost events. */
  constructor(indexed: number, lost: string | undefined) {
    this.#indexed = indexed;
    this.#last = indexed;
    this.lost = new LostEvents(lost);
  }

  get indexed(): number {
    return this.#indexed;
  }

  /** The position of the newest event. */
  get last(): number {
    return this.#last;
  }

  get events(): number {
    return this.#last - this.#indexed;
  }

  /** Starts the next position, or the last one again. What is added until the next call stands at it. */
  enter(position: number): void {
    this.#last = position;
    const newest = this.#generations.at(-1);
    if (newest !== undefined && position < newest.first + generationEvents) newest.last = position;
    else this.#generations.push(generationWith(position));
  }

  /** Adds the event at the last position to its stream. `before` is where the stream ended, 0 if it was empty. */
  add(stream: string, idHash: number, before: number = this.#lastOf(stream)): void {
    const generation = this.#newest();
    const place = this.#last - generation.first;
    generation.streams.set(stream, this.#last);
    generation.distances[place] = before > this.#indexed ? this.#last - before : 0;
    generation.idHashes[place] = idHash;
  }

  /** Has the event at the last position stand for so many lost events before it, too. */
  addGap(numbers: number): void {
    this.#newest().gaps.set(this.#last, numbers);
  }

  tombstone(stream: string): void {
    this.#newest().tombstones.set(stream, this.#last);
  }

  /** Adds the event at the last position to the derived streams that it belongs to. */
  addDerived(event: Pick<RecordHead, 'stream' | 'type' | 'revision' | 'metadata'>): void {
    for (const positions of this.#newest().lists.of(event)) positions.push(this.#last);
  }

  /** Where the events of a stream, or a derived stream, stand, up to and with `bound`. */
  positionsOf(stream: string, bound: number): readonly number[] {
    if (derivedStream(stream) !== undefined) return this.#derivedPositions(stream, bound);
    const positions: number[] = [];
    this.#eachBackwards(stream, (position) => {
      if (position <= bound) positions.push(position);
    });
    return positions.length === 0 ? none : positions.toReversed();
  }

  idHashesOf(stream: string): readonly number[] {
    const hashes: number[] = [];
    this.#eachBackwards(stream, (_, idHash) => {
      hashes.push(idHash);
    });
    return hashes.toReversed();
  }

  tombstoneOf(stream: string, bound: number): number | undefined {
    for (const { tombstones } of this.#generations) {
      if (tombstones.size === 0) continue;
      const position = tombstones.get(stream);
      if (position !== undefined && position <= bound) return position;
    }
    return undefined;
  }

  /** All names that begin with `prefix` and have an event here. */
  names(prefix: string): ReadonlySet<string> {
    const names = new Set<string>();
    for (const { streams, derived } of this.#generations) {
      for (const name of streams.keys()) if (name.startsWith(prefix)) names.add(name);
      for (const name of derived.keys()) if (name.startsWith(prefix)) names.add(name);
    }
    return names;
  }

  /** Forgets everything after what the index has. */
  restart(indexed: number): void {
    this.#generations = [];
    this.#indexed = indexed;
    this.#last = indexed;
  }

  /** Forgets the generations that the index has in full. */
  dropThrough(indexed: number): void {
    let drop = 0;
    for (const generation of this.#generations) {
      if (generation.last > indexed || generation.last === this.#last) break;
      this.#indexed = generation.last;
      drop += 1;
    }
    if (drop > 0) this.#generations = this.#generations.slice(drop);
  }

  #newest(): Generation {
    return this.#generations.at(-1)!; // `enter` came first.
  }

  /** Where the last event of a stream stands, 0 when there is none here. */
  #lastOf(stream: string): number {
    for (let at = this.#generations.length - 1; at >= 0; at -= 1) {
      const position = this.#generations[at]!.streams.get(stream);
      if (position !== undefined) return position;
    }
    return 0;
  }

  /** The events of a stream from the newest to the oldest: one for each number of the stream. */
  #eachBackwards(stream: string, look: (position: number, idHash: number) => void): void {
    let at = this.#generations.length - 1;
    for (let position = this.#lastOf(stream); position > this.#indexed;) {
      while (this.#generations[at]!.first > position) at -= 1;
      const { first, distances, idHashes, gaps } = this.#generations[at]!;
      look(position, idHashes[position - first]!);
      if (gaps.size > 0) for (let left = gaps.get(position) ?? 0; left > 0; left -= 1) look(position, 0);
      const distance = distances[position - first]!;
      if (distance === 0) return;
      position -= distance;
    }
  }

  #derivedPositions(stream: string, bound: number): readonly number[] {
    const parts: (readonly number[])[] = [];
    for (const { derived } of this.#generations) {
      const part = derived.get(stream);
      if (part !== undefined) parts.push(part);
    }
    if (parts.length === 0) return none;
    const positions = parts.length === 1 ? parts[0]! : parts.flat();
    return (positions.at(-1) ?? 0) <= bound ? positions : positions.slice(0, countUpTo(positions, bound));
  }
}

function generationWith(position: number): Generation {
  const derived = new Map<string, number[]>();
  return {
    first: position - ((position - 1) % generationEvents),
    last: position,
    streams: new Map(),
    distances: new Uint32Array(generationEvents),
    idHashes: new Float64Array(generationEvents),
    derived,
    lists: new DerivedLists((name) => {
      const positions = derived.get(name) ?? [];
      derived.set(name, positions);
      return positions;
    }),
    tombstones: new Map(),
    gaps: new Map(),
  };
}

/** How many of the positions, which grow, are at most `bound`. */
export function countUpTo(positions: readonly number[], bound: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (positions[middle]! <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
