import type { Position } from '../store/position.ts';

/** Positions of recent answers that are kept to recognise a second answer with the same. */
const answersKept = 10_000;

/**
 * Tells a repeat from a first write, which the protocol does not: a repeat is answered with the position of the first
 * write, and what is new stands behind everything that was seen before it was sent.
 */
export class SeenPositions {
  #highest = 0n;
  readonly #answered = new Set<bigint>();

  /** The highest position that was seen. */
  get highest(): Position {
    return this.#highest as Position; // Seen in an answer, or 0: below every position.
  }

  /** Notes a position that was seen in any answer. */
  note(position: bigint): void {
    if (position > this.#highest) this.#highest = position;
  }

  /** Whether the answer to an append, sent when `before` was the highest, is about an earlier write. */
  isRepeat(position: bigint, before: bigint): boolean {
    const isRepeat = position <= before || this.#answered.has(position);
    this.note(position);
    this.#answered.add(position);
    if (this.#answered.size > answersKept) {
      for (const oldest of this.#answered) {
        this.#answered.delete(oldest);
        break;
      }
    }
    return isRepeat;
  }
}
