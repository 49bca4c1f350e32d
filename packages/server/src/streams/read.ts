import { randomUUID } from 'node:crypto';

import {
  position,
  revision,
  streamName,
  type EventRead,
  type EventStore,
  type PackedPage,
  type RecordedEvent,
  type StreamName,
  type Subscription,
} from 'daybook';

import type { Call } from '../grpc/call.ts';
import { GrpcError, status } from '../grpc/status.ts';
import { EventFrames, type ReadEvent } from '../protocol/event-frames.ts';
import { packedFrames } from '../protocol/packed-frames.ts';
import { readReadRequest, type ReadRequest } from '../protocol/read-request.ts';
import {
  writeCaughtUp,
  writeCheckpoint,
  writeConfirmation,
  writeFirstRevision,
  writeLastRevision,
  writeStreamNotFound,
} from '../protocol/read-response.ts';
import type { UuidForm } from '../protocol/shared.ts';
import { framed, Writer } from '../protocol/writer.ts';
import { checkpointInterval, parseFilter } from './parse-filter.ts';
import { largestNumber, onlyMessage } from './parse-request.ts';
import { resolved } from './resolve-links.ts';

/** Events are sent in pieces of about this size: as much is held for a client that does not read, beside its page. */
const pieceBytes = 64 * 1024;

/** Shared by all calls: thousands of subscriptions that wait must not each remember the types of events. */
const frames = { string: new EventFrames('string'), structured: new EventFrames('structured') };

/** Read: the events of a stream or of `$all`, once or as a subscription. */
export async function read(store: EventStore, call: Call): Promise<void> {
  const request = readReadRequest(await onlyMessage(call));
  checkCombination(request);
  const reading = new Reading(store, call, request);
  if (request.count === 'subscription') return reading.follow();
  return request.stream === undefined ? reading.sendAll() : reading.sendStream(streamName(request.stream));
}

/** Refuses what the options cannot mean together. */
function checkCombination({ stream, from, direction, count, filter, uuidForm }: ReadRequest): void {
  if (uuidForm === undefined) throw refused("'uuidOption' is a required argument.");
  if (count === undefined) throw refused('The request has neither a count nor a subscription.');
  if (filter === undefined) throw refused('The combination of (no filter, no absence of a filter) is invalid.');
  if (filter !== 'none' && stream !== undefined) throw refused('The combination of (stream, filter) is invalid.');
  if (count === 'subscription' && direction === 'backwards') {
    throw refused('The combination of (subscription, backwards) is invalid.');
  }
  if (typeof from === 'bigint' && from > largestNumber) throw refused('Trying to read from an invalid position.');
}

function refused(message: string): GrpcError {
  return new GrpcError(status.invalidArgument, message);
}

/** One call of Read. */
class Reading {
  readonly #store: EventStore;
  readonly #call: Call;
  readonly #request: ReadRequest;

  constructor(store: EventStore, call: Call, request: ReadRequest) {
    this.#store = store;
    this.#call = call;
    this.#request = request;
  }

  /** Sends the events of `$all`. Backwards, the one at the position itself is left out. */
  async sendAll(): Promise<void> {
    const { from, direction } = this.#request;
    const isForwards = direction === 'forwards';
    if (isForwards ? from === 'end' : from === 'start' || from === 0n) return;
    const first = typeof from === 'bigint' ? position(isForwards ? from : from - 1n) : from;
    const events = this.#store.readAll({
      from: first,
      direction,
      limit: this.#limit(),
      filter: parseFilter(this.#request.filter),
      signal: this.#call.signal,
    });
    // A link must be followed, so somebody has to look whether an event is one.
    if (events.packedPages === undefined || this.#request.resolveLinks) await this.#sendEvents(events);
    else await this.#sendPacked(events.packedPages());
  }

  /** Sends events as they lie in the store. */
  async #sendPacked(pages: AsyncIterable<PackedPage>): Promise<void> {
    const form = this.#request.uuidForm ?? 'string';
    for await (const page of pages) {
      for (const piece of pieces(page.events, ({ typeAt, end }) => end - typeAt)) {
        await this.#call.send(packedFrames(page, piece, form));
      }
    }
  }

  /** Sends the events of a stream, and where it begins and ends when the client asks. */
  async sendStream(stream: StreamName): Promise<void> {
    const { from, direction, compatibility } = this.#request;
    const tells = compatibility >= 1;
    const last = direction === 'forwards' && from === 'end' ? undefined : await this.#sendStreamEvents(stream, tells);
    if (last !== undefined && !tells) return;
    const reachedEnd = last !== undefined && direction === 'forwards' && last.count < this.#limit();
    if (reachedEnd) {
      await this.#call.send(framed((writer) => writeLastRevision(writer, last.revision)));
      return;
    }
    const state = await this.#store.streamState(stream);
    if (last === undefined && state.status !== 'exists' && state.status !== 'tombstoned') {
      await this.#call.send(framed((writer) => writeStreamNotFound(writer, stream)));
      return;
    }
    if (!tells || state.revision === undefined) return;
    const end = state.revision;
    const begin = state.firstRevision ?? end + 1n;
    if (last === undefined && direction === 'forwards' && from !== 'end' && begin > startOf(from)) {
      await this.#call.send(framed((writer) => writeFirstRevision(writer, begin)));
    }
    await this.#call.send(framed((writer) => writeLastRevision(writer, end)));
  }

  async #sendStreamEvents(stream: StreamName, tells: boolean): Promise<Sent | undefined> {
    const { from, direction, resolveLinks } = this.#request;
    const events = this.#store.readStream(stream, {
      from: typeof from === 'bigint' ? revision(from) : from,
      direction,
      limit: this.#limit(),
      links: resolveLinks ? 'resolve' : 'keep',
      signal: this.#call.signal,
    });
    return this.#sendEvents(events, (first) => {
      if (!tells || direction === 'backwards' || first <= startOf(from)) return undefined;
      return framed((writer) => writeFirstRevision(writer, first));
    });
  }

  /** Sends what a read gives, and before it what `before` says of the first revision. */
  async #sendEvents(events: EventRead, before?: (first: bigint) => Buffer | undefined): Promise<Sent | undefined> {
    let sent: Sent | undefined;
    for await (const page of events.pages()) {
      if (sent === undefined && before !== undefined) {
        const frame = before(revisionOf(page[0]!)); // No page is empty.
        if (frame !== undefined) await this.#call.send(frame);
      }
      sent = { revision: revisionOf(page.at(-1)!), count: (sent?.count ?? 0) + page.length }; // The same.
      await this.#sendPage(page);
    }
    return sent;
  }

  async #sendPage(page: readonly RecordedEvent[]): Promise<void> {
    for (const piece of pieces(page, ({ data, metadata }) => data.length + metadata.length)) {
      await this.#call.send(await this.#framesOf(piece));
    }
  }

  async #framesOf(events: readonly RecordedEvent[]): Promise<Buffer> {
    const { resolveLinks, uuidForm: form = 'string' } = this.#request;
    const [first] = events;
    if (!resolveLinks && first !== undefined && events.length === 1) return framesOfOne(first, form);
    return frames[form].frames(resolveLinks ? await resolved(this.#store, events) : events.map(withoutLink));
  }

  /** Sends what a subscription gives, until the client cancels. */
  async follow(): Promise<void> {
    await this.#call.send(framed((writer) => writeConfirmation(writer, randomUUID())));
    const isAll = this.#request.stream === undefined;
    for await (const messages of this.#subscription().pages()) {
      let events: RecordedEvent[] = [];
      for (const message of messages) {
        if (message.kind === 'event') {
          events.push(message.event);
          continue;
        }
        await this.#sendPage(events);
        events = [];
        const writer = new Writer();
        if (message.kind === 'checkpoint') {
          writer.frame((frame) => writeCheckpoint(frame, message.position, Date.now()));
        } else if (message.kind === 'caught-up') {
          const place = isAll ? { position: message.position } : { revision: message.revision };
          writer.frame((frame) => writeCaughtUp(frame, place, Date.now()));
        } else continue; // Clients are not told that they fell behind: no server ever did.
        await this.#call.send(writer.finish());
      }
      await this.#sendPage(events);
    }
  }

  #subscription(): Subscription {
    const { stream, from, filter, resolveLinks } = this.#request;
    const { signal } = this.#call;
    if (stream === undefined) {
      return this.#store.subscribeToAll({
        after: typeof from === 'bigint' ? position(from) : from,
        filter: parseFilter(filter),
        checkpointEvery: checkpointInterval(filter),
        signal,
      });
    }
    return this.#store.subscribeToStream(streamName(stream), {
      after: typeof from === 'bigint' ? revision(from) : from,
      links: resolveLinks ? 'resolve' : 'keep',
      signal,
    });
  }

  #limit(): number {
    const { count } = this.#request;
    return typeof count === 'bigint' && count < 2n ** 53n - 1n ? Number(count) : Infinity;
  }
}

/** The last of the events that were sent, and how many they were. */
interface Sent {
  readonly revision: bigint;
  readonly count: number;
}

/** The event that was written last: when thousands of subscriptions wait, all of them get it. */
let latest: { readonly event: RecordedEvent; readonly form: UuidForm; readonly bytes: Buffer } | undefined;

function framesOfOne(event: RecordedEvent, form: UuidForm): Buffer {
  if (latest?.event !== event || latest.form !== form) {
    latest = { event, form, bytes: frames[form].frames([{ event }]) };
  }
  return latest.bytes;
}

function withoutLink(event: RecordedEvent): ReadEvent {
  return { event };
}

/** Where in the stream that was read an event stands. */
function revisionOf({ link, revision: own }: RecordedEvent): bigint {
  return link?.revision ?? own;
}

function startOf(from: ReadRequest['from']): bigint {
  return typeof from === 'bigint' ? from : 0n;
}

/** A page in pieces of about the same size. */
function* pieces<Item>(page: readonly Item[], sizeOf: (item: Item) => number): Generator<readonly Item[]> {
  let start = 0;
  let bytes = 0;
  for (let index = 0; index < page.length; index += 1) {
    bytes += sizeOf(page[index]!); // Within the page.
    if (bytes < pieceBytes) continue;
    yield page.slice(start, index + 1);
    start = index + 1;
    bytes = 0;
  }
  if (start < page.length) yield start === 0 ? page : page.slice(start);
}
