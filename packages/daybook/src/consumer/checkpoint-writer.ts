import type { EventStore } from '../store/event-store.ts';
import type { ExpectedRevision } from '../store/expected-revision.ts';
import { appendCheckpoint, readCheckpoint, type Place, type Range } from './checkpoint.ts';
import type { Clock } from './clock.ts';
import { ConsumerTakenOver } from './errors.ts';
import { isConflict } from './failures.ts';
import type { LowWater } from './low-water.ts';
import { Bell } from './scope.ts';

/** A person has set the checkpoint while the consumer ran: it goes on from there. */
export class CheckpointMoved extends Error {
  override readonly name = 'CheckpointMoved';
}

/** What stands in every checkpoint of an instance. */
export interface CheckpointFacts {
  readonly logId: string | undefined;
  readonly epoch: number | undefined;
  readonly token: number;
  readonly host: string;
  readonly version: string | undefined;
}

interface Written {
  readonly place: Place;
  readonly mark: LowWater;
  expected: ExpectedRevision;
  pos: bigint;
  ahead: readonly Range[];
}

/** Writes the marks of a consumer into its checkpoint streams, soon after they move, and one append at a time. */
export class CheckpointWriter {
  readonly #store: EventStore;
  readonly #clock: Clock;
  readonly #facts: CheckpointFacts;
  readonly #sources: Written[] = [];
  readonly #bell = new Bell();
  #isDirty = false;
  /** One append at a time: two would refuse each other. */
  #flushing: Promise<void> = Promise.resolve();

  constructor(store: EventStore, clock: Clock, facts: CheckpointFacts) {
    this.#store = store;
    this.#clock = clock;
    this.#facts = facts;
  }

  /** Takes a source under its care, and writes its checkpoint at once: a stale instance cannot write there any more. */
  async claim(place: Place, mark: LowWater, expected: ExpectedRevision): Promise<void> {
    const written = { place, mark, expected, pos: mark.pos, ahead: [] };
    this.#sources.push(written);
    await this.#append(written);
  }

  /** The marks have moved. */
  moved(): void {
    this.#isDirty = true;
    this.#bell.ring();
  }

  /** Writes whenever the marks have moved, but not more often than every so many milliseconds. */
  async run(everyMs: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      while (!this.#isDirty) await this.#bell.next(signal);
      await this.flush();
      await this.#clock.sleep(everyMs, signal);
    }
  }

  /**
   * Writes what has moved.
   *
   * @throws ConsumerTakenOver when another instance has written since.
   * @throws CheckpointMoved when a person has.
   */
  flush(): Promise<void> {
    const flushing = this.#flushing.then(() => this.#flush());
    this.#flushing = flushing.catch(() => {}); // Whoever asked for it is told.
    return flushing;
  }

  async #flush(): Promise<void> {
    this.#isDirty = false;
    for (const source of this.#sources) {
      const { pos, ahead, mark } = source;
      if (mark.pos !== pos || !areEqual(mark.ahead, ahead)) await this.#append(source);
    }
  }

  /** Whether the checkpoint stream has gone on without this writer. */
  isOvertaken(): Promise<boolean> {
    // Not while an append is under way: what it has written would look like somebody else's.
    const looking = this.#flushing.then(() => this.#isOvertaken());
    this.#flushing = looking.then(nothing, nothing); // Whoever asked is told.
    return looking;
  }

  async #isOvertaken(): Promise<boolean> {
    for (const { place, expected } of this.#sources) {
      const last = await readCheckpoint(this.#store, place);
      if (last?.revision !== expected) return true;
    }
    return false;
  }

  async #append(source: Written): Promise<void> {
    const { place, mark, expected } = source;
    const { pos, ahead, eventId } = mark;
    const at = new Date(this.#clock.now()).toISOString();
    const checkpoint = { pos, eventId, ...(ahead.length > 0 && { ahead }), ...this.#facts, at };
    try {
      source.expected = await appendCheckpoint(this.#store, place, { checkpoint, expected });
    } catch (error) {
      if (!isConflict(error)) throw error;
      const last = await readCheckpoint(this.#store, place);
      if ((last?.token ?? 0) > this.#facts.token) throw new ConsumerTakenOver(place.consumer, this.#facts.token);
      throw new CheckpointMoved(`The checkpoint of ${place.consumer} was set by ${last?.who ?? 'somebody'}.`);
    }
    source.pos = pos;
    source.ahead = ahead;
  }
}

function areEqual(some: readonly Range[], others: readonly Range[]): boolean {
  return some.length === others.length && some.every(([from, to], i) => from === others[i]?.[0] && to === others[i][1]);
}

function nothing(): void {}
