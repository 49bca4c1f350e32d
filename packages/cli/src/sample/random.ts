/** Numbers that look random and are the same each time (Marsaglia's xorshift with 32 bits). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed === 0 ? 1 : seed | 0; // From 0 it would never get away.
  }

  /** From 0 up to, and not including, 1. */
  next(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` up to, and including, `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** Whether something happens that happens so often: 0 never, 1 always. */
  happens(share: number): boolean {
    return this.next() < share;
  }

  /** One of several. */
  oneOf<const Items extends readonly [unknown, ...unknown[]]>(items: Items): Items[number] {
    return items[this.between(0, items.length - 1)];
  }
}
