import {
  metadataStreamOf,
  revision,
  setStreamMetadata,
  StreamDeleted,
  StreamTombstoned,
  WrongExpectedRevision,
  type EventStore,
  type ExpectedRevision,
  type StreamName,
} from 'daybook';

import type { WireAppended } from '../protocol/append-messages.ts';

/** How often the metadata may be changed by somebody else at the same moment. */
const triesAtMost = 10;

interface Write {
  readonly stream: StreamName;
  readonly expected: ExpectedRevision;
}

/**
 * An append without events: whether the stream is where the writer expects it, and where it is. A deleted stream comes
 * back, empty, as it does with events. KurrentDB also writes a marker into its log, which no read gives; here nothing is
 * written, and the position is that of the last event of the stream.
 *
 * @throws WrongExpectedRevision, StreamDeleted, StreamTombstoned as an append with events does.
 */
export async function checkOnly(store: EventStore, write: Write): Promise<WireAppended> {
  for (let tries = 1; ; tries++) {
    try {
      return await checkedOnce(store, write);
    } catch (error) {
      const isOfMetadata = error instanceof WrongExpectedRevision && error.stream !== write.stream;
      if (!isOfMetadata || tries === triesAtMost) throw error;
    }
  }
}

async function checkedOnce(store: EventStore, { stream, expected }: Write): Promise<WireAppended> {
  // It changes with all that brings a deleted stream back: what is known of it at this revision is so when it is written.
  const { revision: lastMetadata = 'no-stream' } = await store.streamState(metadataStreamOf(stream));
  const state = await store.streamState(stream);
  if (state.status === 'tombstoned') throw new StreamTombstoned(stream);
  if (state.status === 'deleted' && expected === 'stream-exists') throw new StreamDeleted(stream);
  if (expected !== 'any') await store.appendAll([], { checks: [{ stream, expected }] });
  if (state.status !== 'deleted') return { revision: state.revision, position: state.position };
  const metadata = { ...state.metadata, truncateBefore: revision((state.revision ?? -1n) + 1n) };
  const { position } = await setStreamMetadata(store, stream, { metadata, expected: lastMetadata });
  return { revision: state.revision, position };
}
