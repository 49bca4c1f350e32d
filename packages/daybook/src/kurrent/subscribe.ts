import { paged } from '../internal/paged.ts';
import { checkNotAll } from '../store/check-options.ts';
import { InvalidOption, StreamTombstoned } from '../store/errors.ts';
import { passes } from '../store/filter.ts';
import type {
  SubscribeToAllOptions,
  SubscribeToStreamOptions,
  Subscription,
  SubscriptionMessage,
} from '../store/options.ts';
import type { Position, Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import type { PlaceMessage, ReadResponse } from './client.ts';
import type { Connection } from './connection.ts';
import { convertEvent, convertLink } from './convert-event.ts';
import { convertFilter } from './convert-filter.ts';
import type { ReadCall } from './open-read.ts';
import { readAll } from './read.ts';

/** Subscribes to a stream. */
export function subscribeToStream(
  connection: Connection,
  stream: StreamName,
  { after = 'start', links = 'resolve', signal }: SubscribeToStreamOptions = {},
): Subscription {
  checkNotAll(stream);
  const options = { fromRevision: after, resolveLinkTos: links === 'resolve' };
  return subscription(connection, { stream, options, signal }, (message) => message);
}

/** Subscribes to `$all`. */
export function subscribeToAll(
  connection: Connection,
  { after = 'start', filter, checkpointEvery = 1_000, signal }: SubscribeToAllOptions = {},
): Subscription {
  if (!Number.isSafeInteger(checkpointEvery) || checkpointEvery < 1) {
    throw new InvalidOption('checkpointEvery', `${checkpointEvery} is not a whole number above 0`);
  }
  const passed = passes(filter);
  const options = {
    fromPosition: typeof after === 'bigint' ? { commit: after, prepare: after } : after,
    resolveLinkTos: false,
    ...(filter !== undefined && { filter: convertFilter(filter, checkpointEvery) }),
  };
  return subscription(connection, { options, signal }, (message) =>
    message?.kind === 'event' && !passed(message.event) ? undefined : message,
  );
}

type Message = SubscriptionMessage | undefined;

function subscription(connection: Connection, call: ReadCall, keep: (message: Message) => Message): Subscription {
  return paged(() => {
    const left = new AbortController();
    const pages = follow(connection, { call, left: left.signal, keep });
    const leave = pages.return.bind(pages);
    // A generator that waits for events would not notice that it was left: what it waits for is ended first.
    return Object.assign(pages, { return: () => (left.abort(), leave()) });
  });
}

async function* follow(
  connection: Connection,
  { call, left, keep }: { call: ReadCall; left: AbortSignal; keep: (message: Message) => Message },
): AsyncGenerator<readonly SubscriptionMessage[], void, undefined> {
  const signal = call.signal === undefined ? left : AbortSignal.any([left, call.signal]);
  try {
    const place = await Place.before(connection, call.stream, signal);
    for await (const messages of connection.open({ ...call, signal })) {
      const page = messages.map((message) => keep(place.follow(message))).filter((message) => message !== undefined);
      if (page.length > 0) yield page;
    }
  } catch (error) {
    if (!left.aborted) throw error; // Otherwise it is the end that the caller asked for.
  }
}

/** Follows a subscription, to fill in what the messages of the protocol leave out. */
class Place {
  #position: bigint;
  #revision: Revision | undefined;

  private constructor(position: bigint, revision: Revision | undefined) {
    this.#position = position;
    this.#revision = revision;
  }

  /**
   * Where things stand before a subscription. Servers tell where in a stream one caught up, not where in the log, and
   * `@eventstore/db-client` does not hear the former either: not before this.
   */
  static async before(connection: Connection, stream: string | undefined, signal: AbortSignal): Promise<Place> {
    const [end, last] = await Promise.all([
      Array.fromAsync(readAll(connection, { direction: 'backwards', limit: 1, signal })),
      stream === undefined ? undefined : lastOf(connection, stream as StreamName), // The name that the caller gave.
    ]);
    return new Place(end[0]?.position ?? 0n, last);
  }

  /** A message of the protocol as one of ours, or `undefined` when it says nothing to our callers. */
  follow(message: ReadResponse): Message {
    if (message.hasEvent()) {
      const event = convertEvent(message.getEvent());
      this.#revision = convertLink(message.getEvent())?.revision ?? this.#revision;
      if (event === undefined) return undefined;
      this.#seen(event.position);
      return { kind: 'event', event };
    }
    if (message.hasCaughtUp()) {
      const position = this.#now(message.getCaughtUp());
      return { kind: 'caught-up', position, revision: this.#revision };
    }
    if (message.hasFellBehind()) return { kind: 'fell-behind', position: this.#now(message.getFellBehind()) };
    if (message.hasCheckpoint()) {
      const position = BigInt(message.getCheckpoint().getCommitPosition());
      this.#seen(position);
      return { kind: 'checkpoint', position: position as Position }; // The server's word.
    }
    return undefined;
  }

  #seen(position: bigint): void {
    if (position > this.#position) this.#position = position;
  }

  #now(place: PlaceMessage): Position {
    if (place.hasPosition?.() === true) this.#seen(BigInt(place.getPosition?.().getCommitPosition() ?? 0));
    if (place.hasStreamRevision?.() === true) this.#revision = BigInt(place.getStreamRevision?.() ?? 0) as Revision; // The server's word.
    return this.#position as Position; // Seen in an answer, or 0: below every position.
  }
}

async function lastOf(connection: Connection, stream: StreamName): Promise<Revision | undefined> {
  try {
    const last = await connection.edge(stream, 'backwards');
    return last === undefined || last === 'hidden' ? undefined : last.revision;
  } catch (error) {
    if (error instanceof StreamTombstoned) return undefined; // The subscription gives the tombstone before it refuses.
    throw error;
  }
}
