import { paged } from '../internal/paged.ts';
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
import { readAll } from './read.ts';

/** Subscribes to a stream. */
export function subscribeToStream(
  connection: Connection,
  stream: StreamName,
  { after = 'start', links = 'resolve', signal }: SubscribeToStreamOptions = {},
): Subscription {
  return paged(async function* () {
    // The protocol tells where in the stream a subscription caught up, not where in the log: not before this.
    const place = new Place(await endOfLog(connection, signal), typeof after === 'bigint' ? after : undefined);
    const options = { fromRevision: after, resolveLinkTos: links === 'resolve' };
    for await (const messages of connection.open({ stream, options, signal })) {
      const page = messages.map((message) => place.follow(message)).filter((message) => message !== undefined);
      if (page.length > 0) yield page;
    }
  });
}

/** Subscribes to `$all`. */
export function subscribeToAll(
  connection: Connection,
  { after = 'start', filter, checkpointEvery, signal }: SubscribeToAllOptions = {},
): Subscription {
  return paged(async function* () {
    const place = new Place(await endOfLog(connection, signal), undefined);
    const passed = passes(filter);
    const options = {
      fromPosition: typeof after === 'bigint' ? { commit: after, prepare: after } : after,
      resolveLinkTos: false,
      ...(filter !== undefined && { filter: convertFilter(filter, checkpointEvery) }),
    };
    for await (const messages of connection.open({ options, signal })) {
      const page = messages
        .map((message) => place.follow(message))
        .filter((message) => message !== undefined)
        .filter((message) => message.kind !== 'event' || passed(message.event));
      if (page.length > 0) yield page;
    }
  });
}

async function endOfLog(connection: Connection, signal: AbortSignal | undefined): Promise<bigint> {
  for await (const { position } of readAll(connection, { direction: 'backwards', limit: 1, signal })) return position;
  return 0n;
}

/** Follows a subscription, to fill in what the messages of the protocol leave out. */
class Place {
  #position: bigint;
  #revision: Revision | undefined;

  constructor(position: bigint, revision: Revision | undefined) {
    this.#position = position;
    this.#revision = revision;
  }

  /** A message of the protocol as one of ours, or `undefined` when it says nothing to our callers. */
  follow(message: ReadResponse): SubscriptionMessage | undefined {
    if (message.hasEvent()) {
      const event = convertEvent(message.getEvent());
      this.#revision = convertLink(message.getEvent())?.revision ?? this.#revision;
      if (event === undefined) return undefined;
      this.#seen(event.position);
      return { kind: 'event', event };
    }
    if (message.hasCaughtUp()) {
      return { kind: 'caught-up', position: this.#now(message.getCaughtUp()), revision: this.#revision };
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
    if (place.hasPosition?.() === true) {
      this.#seen(BigInt(place.getPosition?.().getCommitPosition() ?? 0));
    }
    return this.#position as Position; // Seen in an answer, or 0: below every position.
  }
}
