import type { Revision } from '../store/position.ts';
import type { IdSink } from './fold.ts';

/**
 * The last 32 bits of the ids of a stream's events: four bytes for each, and enough to say that an id is not among them.
 * (The last ones, because the first ones of a UUID of version 7 are the time.)
 */
export class IdTails implements IdSink {
  readonly #known: Uint32Array;
  readonly #added: number[] = [];
  readonly #sought: string | undefined;
  #foundAt: Revision | undefined;

  /** Behind the ids that are `known` already. Looks out for `sought` while ids are added. */
  constructor(known: Uint32Array, sought?: string) {
    this.#known = known;
    this.#sought = sought;
  }

  add(id: string, revision: Revision): void {
    this.#added.push(tailOf(id));
    if (id === this.#sought) this.#foundAt ??= revision;
  }

  /** Where the sought id was added first. */
  get foundAt(): Revision | undefined {
    return this.#foundAt;
  }

  /** Whether an id may be among those that were known before. `false` is certain. */
  mayHaveKnown(id: string): boolean {
    return this.#known.includes(tailOf(id));
  }

  /** All of them, to be known next time. */
  all(): Uint32Array {
    if (this.#added.length === 0) return this.#known;
    const all = new Uint32Array(this.#known.length + this.#added.length);
    all.set(this.#known);
    all.set(this.#added, this.#known.length);
    return all;
  }
}

/** No ids. */
export const noIdTails: Uint32Array = new Uint32Array(0);

function tailOf(id: string): number {
  return Number.parseInt(id.slice(-8), 16) >>> 0;
}
