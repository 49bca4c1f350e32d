import type { Paged } from '../store/options.ts';

/**
 * Many results from a function that gives pages. Each iteration calls it anew; leaving a loop returns its generator.
 *
 * The item iterator is written by hand: a `for await` over an async generator that yields single items costs several
 * times as much for each of them.
 */
export function paged<Item>(pages: () => AsyncGenerator<readonly Item[], void, undefined>): Paged<Item> {
  return { pages, [Symbol.asyncIterator]: () => new ItemIterator(pages()) };
}

class ItemIterator<Item> implements AsyncIterator<Item, undefined> {
  readonly #pages: AsyncGenerator<readonly Item[], void, undefined>;
  #page: readonly Item[] = [];
  #next = 0;

  constructor(pages: AsyncGenerator<readonly Item[], void, undefined>) {
    this.#pages = pages;
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    if (this.#next < this.#page.length) {
      const value = this.#page[this.#next++] as Item; // Within the page.
      return Promise.resolve({ value, done: false });
    }
    return this.#turn();
  }

  async return(): Promise<IteratorResult<Item, undefined>> {
    this.#page = [];
    this.#next = 0;
    await this.#pages.return();
    return { value: undefined, done: true };
  }

  async #turn(): Promise<IteratorResult<Item, undefined>> {
    for (;;) {
      const { value, done } = await this.#pages.next();
      if (done === true) return { value: undefined, done: true };
      if (value.length === 0) continue;
      this.#page = value;
      this.#next = 1;
      return { value: value[0] as Item, done: false }; // The page is not empty.
    }
  }
}
