/** Something that belongs to a stream, and waits for its turn. */
export interface Queued {
  readonly stream: string;
  /** Lower ones come first. */
  readonly sequence: number;
}

interface Waiting<Item> {
  /** Items of the stream that were taken and are neither done nor back. */
  taken: number;
  /** What waits behind them, or behind the one that is ready, in order. */
  readonly behind: Item[];
}

/**
 * What waits to be done: in order within a stream, and otherwise the earliest first. A stream of which something is
 * taken gives nothing else until all of that is done, or back.
 */
export class ReadyQueue<Item extends Queued> {
  /** The next item of every stream that has one and of which nothing is taken, by sequence. */
  #ready: Item[] = [];
  readonly #streams = new Map<string, Waiting<Item>>();

  /** Adds an item. */
  add(item: Item): void {
    const waiting = this.#streams.get(item.stream);
    if (waiting === undefined) {
      this.#streams.set(item.stream, { taken: 0, behind: [] });
      insert(this.#ready, item);
    } else {
      insert(waiting.behind, item);
    }
  }

  /** Takes the earliest item, and as many that follow it as fit in with it, several of a stream too. */
  take(most: number, fits: (item: Item) => boolean): readonly Item[] {
    const items: Item[] = [];
    while (items.length < most) {
      const next = this.#ready[0];
      if (next === undefined || (items.length > 0 && !fits(next))) break;
      items.push(this.#takeAt(0));
      if (!fits(next)) break;
      const follower = most > 1 ? this.#streams.get(next.stream)?.behind.shift() : undefined;
      if (follower !== undefined) insert(this.#ready, follower);
    }
    if (most > 1) this.#holdFollowers(new Set(items.map(({ stream }) => stream)));
    return items;
  }

  /** Takes the earliest item that `prefer` likes, or else one by chance, from 0 to 1. */
  takeBy(prefer: (item: Item) => boolean, chance: number): Item | undefined {
    if (this.#ready.length === 0) return undefined;
    const liked = this.#ready.findIndex(prefer);
    return this.#takeAt(liked >= 0 ? liked : Math.floor(chance * this.#ready.length));
  }

  /** A taken item is done with. */
  done({ stream }: Item): void {
    this.#release(stream);
  }

  /** A taken item comes back, before all later ones of its stream. */
  back(item: Item): void {
    const waiting = this.#streams.get(item.stream);
    if (waiting !== undefined) insert(waiting.behind, item);
    this.#release(item.stream);
  }

  #takeAt(index: number): Item {
    const item = this.#ready.splice(index, 1)[0]!; // The caller has looked.
    this.#streams.get(item.stream)!.taken += 1; // It has an entry since it was added.
    return item;
  }

  #holdFollowers(streams: ReadonlySet<string>): void {
    const held = this.#ready.filter(({ stream }) => streams.has(stream));
    if (held.length === 0) return;
    this.#ready = this.#ready.filter(({ stream }) => !streams.has(stream));
    for (const item of held) insert(this.#streams.get(item.stream)!.behind, item);
  }

  #release(stream: string): void {
    const waiting = this.#streams.get(stream);
    if (waiting === undefined) return;
    waiting.taken -= 1;
    if (waiting.taken > 0) return;
    const next = waiting.behind.shift();
    if (next === undefined) this.#streams.delete(stream);
    else insert(this.#ready, next);
  }
}

function insert<Item extends Queued>(items: Item[], item: Item): void {
  const index = items.findLastIndex(({ sequence }) => sequence <= item.sequence);
  items.splice(index + 1, 0, item);
}
