import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import type { Position, Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import { decodeEvent } from './decode.ts';
import type { DomainEvent } from './events.ts';
import { isPromise } from './standard-schema.ts';
import type { View } from './view.ts';

/** No read gives more events than a number can count. */
const mostEvents = 2n ** 53n - 2n;

/** The state that events give, one after the other. Events that the view does not name change nothing. */
export function fold<State>(view: View<State>, id: string, events: Iterable<DomainEvent>): State {
  let state = view.initial(id);
  for (const event of events) state = view.evolve(state, event);
  return state;
}

/** A state, and the last event that it knows of. */
export interface Folded<State> {
  readonly state: State;
  /** Absent when there was no event. */
  readonly revision: Revision | undefined;
  readonly position: Position | undefined;
  readonly eventId: string | undefined;
}

/** The events of a stream that are folded, and onto what. */
export interface FoldStreamOptions<State> {
  readonly stream: StreamName;
  readonly start: Folded<State>;
  /** The last revision that counts. Default: the end of the stream. */
  readonly upTo?: bigint | undefined;
  /** The last event created at or before it is the last that counts. */
  readonly upToTime?: Date | undefined;
  /** Gets the id of each event. */
  readonly ids?: IdSink | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Where the ids of folded events go. */
export interface IdSink {
  add(id: string, revision: Revision): void;
}

/**
 * Folds the events of a stream behind `start` onto it, a page at a time. `undefined` when the last event that `start`
 * knows of is not in the stream any more: it was deleted, truncated behind it, or this is another log.
 */
export async function foldStream<State>(
  store: EventStore,
  view: View<State>,
  options: FoldStreamOptions<State>,
): Promise<Folded<State> | undefined> {
  const { stream, start, upTo, upToTime, ids, signal } = options;
  let folded = start;
  let counted = start;
  let isJoined = start.revision === undefined;
  const limit = upTo === undefined || upTo > mostEvents ? undefined : Number(upTo - (start.revision ?? 0n)) + 1;
  for await (const page of store.readStream(stream, { from: start.revision, limit, signal }).pages()) {
    for (const event of page) {
      if (!isJoined) {
        if (event.revision !== start.revision || event.id !== start.eventId) return undefined;
        isJoined = true;
        continue;
      }
      if (upTo !== undefined && event.revision > upTo) return counted;
      const state = evolved(view, folded.state, event);
      folded = {
        state: isPromise(state) ? await state : state,
        revision: event.revision,
        position: event.position,
        eventId: event.id,
      };
      ids?.add(event.id, event.revision);
      if (upToTime === undefined || event.created <= upToTime) counted = folded;
    }
  }
  return isJoined ? counted : undefined;
}

function evolved<State>(view: View<State>, state: State, event: RecordedEvent): State | Promise<State> {
  const decoder = view.decoders.get(event.type);
  if (decoder === undefined) return state;
  const decoded = decodeEvent(decoder, event);
  if (decoded === undefined) return state;
  return isPromise(decoded) ? decoded.then((waited) => view.evolve(state, waited)) : view.evolve(state, decoded);
}
