import type { Range } from './checkpoint.ts';

/** Ranges of one checkpoint at most. What is left out is handled once more after a crash. */
const rangesAtMost = 500;

interface Delivered {
  readonly number: bigint;
  readonly id: string;
  isDone: boolean;
}

/**
 * How far a consumer is in one source: the last number up to which everything is handled, although later events may be
 * handled before earlier ones.
 */
export class LowWater {
  #pos: bigint;
  #id: string | undefined;
  /** Delivered and above `pos`, in order. */
  #delivered: Delivered[] = [];
  #byNumber = new Map<bigint, Delivered>();
  /** What was handled beyond the mark when this began. */
  readonly #ahead: readonly Range[];

  constructor(pos: bigint, id: string | undefined, ahead: readonly Range[] = []) {
    this.#pos = pos;
    this.#id = id;
    this.#ahead = ahead;
  }

  get pos(): bigint {
    return this.#pos;
  }

  /** The id of the event at `pos`, if this knows it. */
  get eventId(): string | undefined {
    return this.#id;
  }

  /** Whether an event was handled when this began. */
  wasHandled(number: bigint): boolean {
    return this.#ahead.some(([from, to]) => number >= from && number <= to);
  }

  /** The next event was taken on. Numbers come in order. */
  deliver(number: bigint, id: string): void {
    const delivered = { number, id, isDone: false };
    this.#delivered.push(delivered);
    this.#byNumber.set(number, delivered);
  }

  /** An event was handled, with all its effects. */
  finish(number: bigint): void {
    const delivered = this.#byNumber.get(number);
    if (delivered === undefined) return;
    delivered.isDone = true;
    let done = 0;
    for (; this.#delivered[done]?.isDone === true; done += 1) {
      const { number: at, id } = this.#delivered[done]!; // The condition has looked at it.
      this.#pos = at;
      this.#id = id;
      this.#byNumber.delete(at);
    }
    if (done > 0) this.#delivered.splice(0, done);
  }

  /** What is handled beyond the mark. */
  get ahead(): readonly Range[] {
    const ranges: Range[] = [];
    for (let i = 0; i < this.#delivered.length && ranges.length < rangesAtMost; i += 1) {
      if (this.#delivered[i]?.isDone !== true) continue;
      const from = this.#delivered[i]!.number;
      while (this.#delivered[i + 1]?.isDone === true) i += 1;
      ranges.push([Number(from), Number(this.#delivered[i]!.number)]);
    }
    return ranges;
  }
}
