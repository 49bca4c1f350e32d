import {
  categoryOf,
  categoryStream,
  derivedStreamsOf,
  streamName,
  type EventStore,
  type RecordedEvent,
  type StreamName,
} from 'daybook';

import { category, tickOf } from './checkable-event.ts';
import type { Ack } from './lane.ts';

/**
 * A promise that a store broke.
 *
 * - `lost`: an acknowledged batch, or a part of it, is not there, or not where the ack said.
 * - `partial`: some events of a batch are there and others are not.
 * - `gap`: revisions, positions or batches are not 0, 1, 2.
 * - `repeated`: an event is there twice.
 * - `altered`: an event is not, byte for byte, what was appended.
 * - `derived`: a derived stream does not agree with the log.
 * - `unusable`: the store cannot be opened or read.
 */
export interface Broken {
  readonly kind:
    | 'lost'
    | 'partial'
    | 'gap'
    | 'repeated'
    | 'altered'
    | 'derived'
    | 'unusable'
    | 'slow'
    | 'costly'
    | 'answer';
  /** A sentence. */
  readonly problem: string;
}

export interface CheckLogOptions {
  readonly acks: Iterable<Ack>;
  /** Positions of one log are 1, 2, 3 in this adapter. Default: they only grow. */
  readonly positions?: 'dense' | 'growing' | undefined;
  /** Leaves out events of other categories. Default: none. */
  readonly only?: string | undefined;
}

export interface LogChecked {
  readonly broken: readonly Broken[];
  readonly events: number;
}

/** Reads the whole log and every stream in it, and says which promises do not hold. */
export async function checkLog(store: EventStore, options: CheckLogOptions): Promise<LogChecked> {
  const { only } = options;
  const check = new LogCheck(options.positions ?? 'growing');
  try {
    for await (const page of store.readAll().pages()) {
      for (const event of page) if (only === undefined || categoryOf(event.stream) === only) check.add(event);
    }
    check.finish(options.acks);
    for (const [stream, places] of check.streams) await check.compareStream(store, stream, places);
    // That one is of all categories.
    if (only !== undefined) check.derived.delete(streamName('$streams'));
    for (const [stream, places] of check.derived) await check.compareDerived(store, stream, places);
  } catch (error) {
    check.broken.push({ kind: 'unusable', problem: `The log cannot be read: ${String(error)}` });
  }
  return { broken: check.broken, events: check.events };
}

interface Batch {
  readonly size: number;
  readonly firstRevision: bigint;
  position: bigint;
  seen: number;
}

class LogCheck {
  readonly broken: Broken[] = [];
  events = 0;
  /** Positions of the events of each stream. */
  readonly streams: Map<StreamName, bigint[]> = new Map();
  readonly derived: Map<StreamName, bigint[]> = new Map([[categoryStream(category), []]]);
  readonly #batches: Map<string, Batch[]> = new Map();
  readonly #positions: 'dense' | 'growing';
  #last = 0n;

  constructor(positions: 'dense' | 'growing') {
    this.#positions = positions;
  }

  add(event: RecordedEvent): void {
    const { position, stream, revision } = event;
    this.events++;
    if (this.#positions === 'dense' ? position !== this.#last + 1n : position <= this.#last) {
      this.#say('gap', `Position ${position} follows ${this.#last}.`);
    }
    this.#last = position;
    const places = this.streams.get(stream) ?? [];
    if (BigInt(places.length) !== revision) {
      this.#say('gap', `Revision ${revision} of ${stream} follows ${places.length - 1}.`);
    }
    places.push(position);
    this.streams.set(stream, places);
    for (const name of derivedStreamsOf(event)) {
      const members = this.derived.get(name) ?? [];
      members.push(position);
      this.derived.set(name, members);
    }
    this.#addToBatch(event);
  }

  #addToBatch(event: RecordedEvent): void {
    const tick = tickOf(event);
    const where = `event ${event.revision} of ${event.stream}`;
    if (tick === undefined) {
      this.#say('altered', `The ${where} is not what was appended.`);
      return;
    }
    const { writer, batch, size, index } = tick;
    const batches = this.#batches.get(writer) ?? [];
    this.#batches.set(writer, batches);
    const known = batches[batch];
    if (known === undefined) {
      if (batch !== batches.length) this.#say('gap', `Batch ${batch} of ${writer} follows ${batches.length - 1}.`);
      if (index !== 0) this.#say('partial', `Batch ${batch} of ${writer} begins with its event ${index}.`);
      batches[batch] = { size, firstRevision: event.revision, position: event.position, seen: 1 };
    } else if (index < known.seen) {
      this.#say('repeated', `The ${where} is event ${index} of batch ${batch} of ${writer} once more.`);
    } else {
      if (index > known.seen) this.#say('partial', `Batch ${batch} of ${writer} lacks its event ${known.seen}.`);
      if (this.#positions === 'dense' && event.position !== known.position + 1n) {
        this.#say('partial', `Batch ${batch} of ${writer} is interrupted at position ${known.position}.`);
      }
      known.seen = index + 1;
      known.position = event.position;
    }
  }

  finish(acks: Iterable<Ack>): void {
    for (const [writer, batches] of this.#batches) {
      for (const [number, batch] of batches.entries()) {
        if (batch !== undefined && batch.seen !== batch.size) {
          this.#say('partial', `Batch ${number} of ${writer} has ${batch.seen} of ${batch.size} events.`);
        }
      }
    }
    for (const ack of acks) {
      const batch = this.#batches.get(ack.writer)?.[ack.batch];
      const name = `Batch ${ack.batch} of ${ack.writer}`;
      if (batch === undefined) this.#say('lost', `${name} was acknowledged and is gone.`);
      else if (batch.firstRevision !== ack.firstRevision || batch.position !== ack.position) {
        this.#say(
          'lost',
          `${name} was acknowledged from revision ${ack.firstRevision} to position ${ack.position} ` +
            `and stands from revision ${batch.firstRevision} to position ${batch.position}.`,
        );
      }
    }
  }

  /** That a read of a stream, which goes by an index, gives what a read of the log gave. */
  async compareStream(store: EventStore, stream: StreamName, places: readonly bigint[]): Promise<void> {
    const found: bigint[] = [];
    for await (const page of store.readStream(stream).pages()) for (const event of page) found.push(event.position);
    this.#compare(stream, found, places);
  }

  async compareDerived(store: EventStore, stream: StreamName, places: readonly bigint[]): Promise<void> {
    const found: bigint[] = [];
    for await (const page of store.readStream(stream).pages()) {
      for (const event of page) {
        const number = event.link?.revision;
        if (number !== BigInt(found.length)) {
          this.#say('derived', `Number ${number ?? 'none'} of ${stream} follows ${found.length - 1}.`);
        }
        found.push(event.position);
      }
    }
    this.#compare(stream, found, places);
  }

  #compare(stream: StreamName, found: readonly bigint[], places: readonly bigint[]): void {
    const differs = places.findIndex((place, index) => found[index] !== place);
    if (differs === -1 && found.length === places.length) return;
    const at = differs === -1 ? places.length : differs;
    this.#say(
      'derived',
      `${stream} has ${found.length} events, and ${places.length} in the log; at ${at} stands position ` +
        `${found[at] ?? 'none'} instead of ${places[at] ?? 'none'}.`,
    );
  }

  #say(kind: Broken['kind'], problem: string): void {
    this.broken.push({ kind, problem });
  }
}
