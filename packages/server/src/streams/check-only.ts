import {
  StreamDeleted,
  StreamTombstoned,
  WrongExpectedRevision,
  type EventStore,
  type ExpectedRevision,
  type StreamName,
} from 'daybook';

import type { WireAppended } from '../protocol/append-messages.ts';

/**
 * An append without events: whether the stream is where the writer expects it, and where it is.
 *
 * @throws WrongExpectedRevision, StreamDeleted, StreamTombstoned as an append with events does.
 */
export async function checkOnly(
  store: EventStore,
  write: { readonly stream: StreamName; readonly expected: ExpectedRevision },
): Promise<WireAppended> {
  const { stream, expected } = write;
  const state = await store.streamState(stream);
  if (state.status === 'tombstoned') throw new StreamTombstoned(stream);
  if (expected !== 'any') {
    try {
      await store.appendAll([], { checks: [{ stream, expected }] });
    } catch (error) {
      const isDeleted = error instanceof WrongExpectedRevision && error.violations[0]?.isDeleted === true;
      throw isDeleted && expected === 'stream-exists' ? new StreamDeleted(stream) : error;
    }
  }
  return { revision: state.revision, position: state.position };
}
