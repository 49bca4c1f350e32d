/*
 * An event is lost when its record is so damaged that nobody can say whose it was. A later event of its stream shows that
 * a revision is missing before it: the missing number gets the place of that event, and whoever reads it sees that it is
 * not what stands there. Until then every stream that ends before the lost event may have lost its end, and nothing may be
 * appended to it: the new event could get the revision of the lost one.
 */

/** The positions of lost events, in their order. */
export class LostEvents {
  #positions: number[];

  /** `text` is what `toString` gave. */
  constructor(text: string = '') {
    this.#positions = text === '' ? [] : text.split(',').map(Number);
  }

  get isEmpty(): boolean {
    return this.#positions.length === 0;
  }

  /** Adds those from `first` to `last`. More of them in a row than can be counted stand for all that follow, too. */
  add(first: number, last: number): void {
    for (let position = first; position <= Math.min(last, first + inARowAtMost); position += 1) {
      if (position > (this.#positions.at(-1) ?? 0)) this.#positions.push(position);
    }
  }

  firstAfter(position: number): number | undefined {
    return this.#positions.find((lost) => lost > position);
  }

  lastBefore(position: number): number | undefined {
    return this.#positions.findLast((lost) => lost < position);
  }

  toString(): string {
    return this.#positions.join(',');
  }
}

const inARowAtMost = 10_000;
