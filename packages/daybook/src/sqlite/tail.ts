import { LostEvents } from './lost-events.ts';

/** The newest places of a stream or a derived stream. Whoever adds to it often holds on to it. */
export interface Stretch {
  readonly name: string;
  /** Where the events stand that are not known to be in the index file, and some that are. */
  positions: number[];
  /** Empty for a derived stream. */
  idHashes: number[];
  /** The newest generation that it has an event in, `undefined` when it has no event. */
  generation: Generation | undefined;
}

interface Generation {
  last: number;
  readonly stretches: Stretch[];
  readonly tombstones: Map<string, number>;
}

/** How many events go into one generation: the unit in which indexed events are forgotten. */
export const generationEvents = 8_192;

const none: number[] = [];
/** With each new event, so many stretches forget what the index has: more than an event can add. */
const forgottenAtOnce = 8;

/**
 * The newest part of the indexes, in memory: the places of all events that are not known to be in the index file. What
 * the index has taken over is dropped a generation at a time.
 *
 * The lists that it gives change as it goes on: they are to be used at once.
 */
export class Tail {
  /** Those of the whole log. */
  readonly lost: LostEvents;
  /** Those that have events. */
  readonly #streams = new Map<string, Stretch>();
  #generations: Generation[] = [];
  /** The index has these in full. To forget them at once would hold up whoever appends. */
  #indexedGenerations: Generation[] = [];
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

  /** Starts the next position. What is added until the next call stands at it. */
  enter(position: number): void {
    const newest = this.#generations.at(-1);
    this.#last = position;
    if (newest !== undefined && position % generationEvents !== 1) newest.last = position;
    else this.#generations.push({ last: position, stretches: [], tombstones: new Map() });
    if (this.#indexedGenerations.length > 0) this.#forgetSome();
  }

  /** The stretch of a stream, to add to. There must be one holder of it at a time. */
  stretch(name: string): Stretch {
    return this.#streams.get(name) ?? { name, positions: none, idHashes: none, generation: undefined };
  }

  add(stretch: Stretch, idHash?: number): void {
    const generation = this.#generations.at(-1)!; // `enter` came first.
    if (stretch.generation !== generation) {
      if (stretch.generation === undefined) this.#streams.set(stretch.name, stretch);
      stretch.generation = generation;
      generation.stretches.push(stretch);
    }
    // Most streams are short: a list that begins with its first number has no room for 16 others.
    if (stretch.positions.length === 0) stretch.positions = [this.#last];
    else stretch.positions.push(this.#last);
    if (idHash === undefined) return;
    if (stretch.idHashes.length === 0) stretch.idHashes = [idHash];
    else stretch.idHashes.push(idHash);
  }

  tombstone(stream: string): void {
    this.#generations.at(-1)!.tombstones.set(stream, this.#last); // `enter` came first.
  }

  /** Where the events of a stream, or a derived stream, stand, up to and with `bound`. */
  positionsOf(stream: string, bound: number): readonly number[] {
    const positions = this.#streams.get(stream)?.positions ?? none;
    const first = this.#firstIn(positions);
    const isAll = (positions.at(-1) ?? 0) <= bound;
    return first === 0 && isAll ? positions : positions.slice(first, isAll ? undefined : countUpTo(positions, bound));
  }

  idHashesOf(stream: string): readonly number[] {
    const { positions, idHashes } = this.#streams.get(stream) ?? { positions: none, idHashes: none };
    const first = this.#firstIn(positions);
    return first === 0 ? idHashes : idHashes.slice(first);
  }

  /** The place of the first position that the index does not have. */
  #firstIn(positions: readonly number[]): number {
    return positions.length > 0 && positions[0]! <= this.#indexed ? countUpTo(positions, this.#indexed) : 0;
  }

  tombstoneOf(stream: string, bound: number): number | undefined {
    for (const { tombstones } of this.#generations) {
      if (tombstones.size === 0) continue;
      const position = tombstones.get(stream);
      if (position !== undefined && position <= bound) return position;
    }
    return undefined;
  }

  /** All names that have an event here. */
  names(): Iterable<string> {
    return this.#streams.keys();
  }

  /** Forgets everything after what the index has. Nobody may hold a stretch any more. */
  restart(indexed: number): void {
    this.#streams.clear();
    this.#generations = [];
    this.#indexedGenerations = [];
    this.#indexed = indexed;
    this.#last = indexed;
  }

  /** Forgets the generations that the index has in full, little by little. */
  dropThrough(indexed: number): void {
    let drop = 0;
    for (const generation of this.#generations) {
      if (generation.last > indexed || generation.last === this.#last) break;
      this.#indexed = generation.last;
      this.#indexedGenerations.push(generation);
      drop += 1;
    }
    if (drop > 0) this.#generations = this.#generations.slice(drop);
  }

  #forgetSome(): void {
    const { stretches, last } = this.#indexedGenerations[0]!; // The caller has looked.
    for (let count = 0; count < forgottenAtOnce; count += 1) {
      const stretch = stretches.pop();
      if (stretch === undefined) {
        this.#indexedGenerations.shift();
        return;
      }
      this.#drop(stretch, last);
    }
  }

  #drop(stretch: Stretch, last: number): void {
    const count = countUpTo(stretch.positions, last);
    if (count === stretch.positions.length) {
      stretch.generation = undefined;
      this.#streams.delete(stretch.name);
    }
    stretch.positions.splice(0, count);
    if (stretch.idHashes.length > 0) stretch.idHashes.splice(0, count);
  }
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
