/** The places of a stream in one stretch of the log. */
interface Stretch {
  readonly positions: number[];
  /** Empty for a derived stream. */
  readonly idHashes: number[];
}

interface Generation {
  last: number;
  readonly streams: Map<string, Stretch>;
  readonly tombstones: Map<string, number>;
}

/** How many events go into one generation: the unit in which indexed events are forgotten. */
export const generationEvents = 8_192;

/**
 * The newest part of the indexes, in memory: the places of all events that are not known to be in the index file. What
 * the index has taken over is dropped a generation at a time.
 */
export class Tail {
  #generations: Generation[] = [];
  /** Everything up to here is in the index file. */
  #indexed: number;
  #last: number;

  constructor(indexed: number) {
    this.#indexed = indexed;
    this.#last = indexed;
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

  /** Starts the next position. What is added until the next call stands at it. */
  enter(position: number): void {
    const newest = this.#generations.at(-1);
    this.#last = position;
    if (newest !== undefined && position % generationEvents !== 1) newest.last = position;
    else this.#generations.push({ last: position, streams: new Map(), tombstones: new Map() });
  }

  add(stream: string, idHash?: number): void {
    const { streams } = this.#generations.at(-1)!; // `enter` came first.
    let stretch = streams.get(stream);
    if (stretch === undefined) streams.set(stream, (stretch = { positions: [], idHashes: [] }));
    stretch.positions.push(this.#last);
    if (idHash !== undefined) stretch.idHashes.push(idHash);
  }

  tombstone(stream: string): void {
    this.#generations.at(-1)!.tombstones.set(stream, this.#last); // `enter` came first.
  }

  /** Where the events of a stream, or a derived stream, stand, up to and with `bound`. */
  positionsOf(stream: string, bound: number): readonly number[] {
    const found: number[][] = [];
    for (const { streams } of this.#generations) {
      const stretch = streams.get(stream);
      if (stretch !== undefined) found.push(stretch.positions);
    }
    const [first = [], ...others] = found;
    const positions = others.length === 0 ? first : found.flat();
    return (positions.at(-1) ?? 0) <= bound ? positions : positions.filter((position) => position <= bound);
  }

  idHashesOf(stream: string): readonly number[] {
    return this.#generations.flatMap(({ streams }) => streams.get(stream)?.idHashes ?? []);
  }

  tombstoneOf(stream: string, bound: number): number | undefined {
    for (const { tombstones } of this.#generations) {
      const position = tombstones.get(stream);
      if (position !== undefined && position <= bound) return position;
    }
    return undefined;
  }

  /** All names that have an event here. */
  names(): Iterable<string> {
    return new Set(this.#generations.flatMap(({ streams }) => [...streams.keys()]));
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
    for (const { last } of this.#generations) {
      if (last > indexed || last === this.#last) break;
      this.#indexed = last;
      drop += 1;
    }
    if (drop > 0) this.#generations = this.#generations.slice(drop);
  }
}
