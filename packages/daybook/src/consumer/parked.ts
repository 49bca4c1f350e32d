import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import { revision } from '../store/position.ts';
import { truncateStream } from '../store/stream-metadata.ts';
import { streamName, type StreamName } from '../store/stream-name.ts';
import type { NumberIn } from './follow-sources.ts';
import { appendTo, fieldsOf, numberIn, textIn } from './journal.ts';
import { parkedStreamOf } from './names.ts';

/** An event that waits in a parked stream: a place, from which it is read again. */
export interface ParkedEvent {
  readonly stream: string;
  readonly revision: bigint;
  readonly id: string;
  readonly type: string;
  /** The source that gave it, by name: its events are decoded by that source. */
  readonly source: string;
  readonly number: bigint;
  /** Why it is here. Absent for an event that only waits behind another one. */
  readonly error?: string | undefined;
  readonly attempts?: number | undefined;
  /** When it was parked. */
  readonly since: Date;
}

/** The events of a consumer that wait, by stream, in their order. */
export type ParkedStreams = ReadonlyMap<string, readonly ParkedEvent[]>;

/** Why an event left the parked stream. */
export type Unparked =
  | { readonly type: 'ParkedEventHandled' }
  | { readonly type: 'ParkedEventSkipped'; readonly who: string; readonly why: string };

/** What a consumer has parked. */
export async function readParked(store: EventStore, consumer: string): Promise<ParkedStreams> {
  const book = new ParkedBook();
  for await (const event of store.readStream(parkedStreamOf(consumer))) book.add(event);
  return book.streams;
}

/** What one instance of a consumer has parked: in memory, and first in the log. */
export class Parking {
  readonly #store: EventStore;
  readonly #consumer: string;
  readonly #book = new ParkedBook();

  private constructor(store: EventStore, consumer: string) {
    this.#store = store;
    this.#consumer = consumer;
  }

  static async open(store: EventStore, consumer: string): Promise<Parking> {
    const parking = new Parking(store, consumer);
    for await (const event of store.readStream(parkedStreamOf(consumer))) parking.#book.add(event);
    return parking;
  }

  get streams(): ParkedStreams {
    return this.#book.streams;
  }

  holds(stream: string): boolean {
    return this.#book.streams.has(stream);
  }

  /** The event of a stream that is tried next. */
  firstOf(stream: string): ParkedEvent | undefined {
    return this.#book.streams.get(stream)?.[0];
  }

  /** Sets an event aside: one that fails, or one that comes after such an event. Once is enough. */
  async park(event: RecordedEvent, facts: ParkFacts): Promise<void> {
    if (this.#book.has(event.stream, event.id)) return;
    const { source, at, error, attempts } = facts;
    await this.#append('EventParked', {
      stream: event.stream,
      revision: Number(event.revision),
      id: event.id,
      type: event.type,
      source,
      number: Number(at.number),
      error,
      attempts,
    });
  }

  /** Notes that a parked event failed again. */
  async failAgain(event: ParkedEvent, error: string): Promise<void> {
    const { stream, id } = event;
    await this.#append('ParkedEventFailed', { stream, id, error, attempts: (event.attempts ?? 0) + 1 });
  }

  /** Takes the first event of a stream out. The last one of all lets the stream of parked events begin anew. */
  async unpark({ stream, id }: ParkedEvent, { type, ...reason }: Unparked): Promise<void> {
    const last = await this.#append(type, { stream, id, ...reason });
    if (this.#book.streams.size > 0) return;
    await truncateStream(this.#store, parkedStreamOf(this.#consumer), revision(last));
  }

  async #append(type: string, data: Readonly<Record<string, unknown>>): Promise<bigint> {
    const journal = { stream: parkedStreamOf(this.#consumer) };
    const appended = await appendTo(this.#store, journal, { type, data, expected: 'any' });
    this.#book.note(type, data, new Date());
    return appended.revision;
  }
}

interface ParkFacts {
  readonly source: string;
  readonly at: NumberIn;
  readonly error?: string | undefined;
  readonly attempts?: number | undefined;
}

/** The event behind a parked place, as its own stream has it. Nothing when it was deleted since. */
export async function readParkedEvent(store: EventStore, parked: ParkedEvent): Promise<RecordedEvent | undefined> {
  const read = store.readStream(parked.stream as StreamName, { from: revision(parked.revision), limit: 1 }); // Of an event.
  for await (const event of read) {
    if (event.id !== parked.id) return undefined;
    const link = { stream: streamName(parked.source), revision: revision(parked.number) };
    return link.stream === event.stream ? event : { ...event, link };
  }
  return undefined;
}

class ParkedBook {
  readonly #streams = new Map<string, ParkedEvent[]>();
  /** Of what is parked: a stream may have so many that nobody wants to look through them at each event. */
  readonly #known = new Set<string>();

  get streams(): ParkedStreams {
    return this.#streams;
  }

  has(stream: string, id: string): boolean {
    return this.#known.has(`${stream}/${id}`);
  }

  add(event: RecordedEvent): void {
    this.note(event.type, fieldsOf(event), event.created);
  }

  note(type: string, fields: Readonly<Record<string, unknown>>, since: Date): void {
    const stream = textIn(fields, 'stream') ?? '';
    const id = textIn(fields, 'id') ?? '';
    switch (type) {
      case 'EventParked':
        this.#park(parkedIn(fields, { stream, id, since }));
        break;
      case 'ParkedEventFailed': {
        const [events, at] = this.#find(stream, id);
        const known = events[at];
        if (known === undefined) break;
        events[at] = { ...known, error: textIn(fields, 'error'), attempts: numberIn(fields, 'attempts') };
        break;
      }
      case 'ParkedEventHandled':
      case 'ParkedEventSkipped':
        this.#unpark(stream, id);
        break;
      default:
        break; // Written by others, or by a newer version.
    }
  }

  #park(event: ParkedEvent): void {
    const { stream, id } = event;
    // Parked once more after a crash: it waits already.
    if (this.has(stream, id)) return;
    this.#known.add(`${stream}/${id}`);
    const events = this.#streams.get(stream);
    if (events === undefined) this.#streams.set(stream, [event]);
    else events.push(event);
  }

  #unpark(stream: string, id: string): void {
    const [events, at] = this.#find(stream, id);
    if (at >= 0) events.splice(at, 1);
    if (events.length === 0) this.#streams.delete(stream);
    this.#known.delete(`${stream}/${id}`);
  }

  #find(stream: string, id: string): readonly [ParkedEvent[], number] {
    const events = this.#streams.get(stream) ?? [];
    return [events, events.findIndex((event) => event.id === id)];
  }
}

function parkedIn(
  fields: Readonly<Record<string, unknown>>,
  { stream, id, since }: { stream: string; id: string; since: Date },
): ParkedEvent {
  return {
    stream,
    id,
    since,
    revision: BigInt(Math.trunc(numberIn(fields, 'revision') ?? 0)),
    type: textIn(fields, 'type') ?? '',
    source: textIn(fields, 'source') ?? '',
    number: BigInt(Math.trunc(numberIn(fields, 'number') ?? 0)),
    error: textIn(fields, 'error'),
    attempts: numberIn(fields, 'attempts'),
  };
}
