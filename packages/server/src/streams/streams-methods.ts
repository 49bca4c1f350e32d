import type { EventStore } from 'daybook';

import type { Call, Handler, Methods } from '../grpc/call.ts';
import { appendRecords } from './append-records.ts';
import { appendSession } from './append-session.ts';
import { append } from './append.ts';
import { batchAppend } from './batch-append.ts';
import { deleteStream, tombstoneStream } from './delete.ts';
import { read } from './read.ts';
import { toGrpcError } from './to-grpc-error.ts';

type Answer = (store: EventStore, call: Call) => Promise<void>;

/** The methods of KurrentDB's Streams services, over a store. */
export function streamsMethods(store: EventStore): Methods {
  const handler =
    (answer: Answer): Handler =>
    async (call) => {
      try {
        await answer(store, call);
      } catch (error) {
        if (call.signal.aborted) throw error; // Nobody listens: the transport knows why.
        throw toGrpcError(error);
      }
    };
  return {
    '/event_store.client.streams.Streams/Read': handler(read),
    '/event_store.client.streams.Streams/Append': handler(append),
    '/event_store.client.streams.Streams/BatchAppend': handler(batchAppend),
    '/event_store.client.streams.Streams/Delete': handler(deleteStream),
    '/event_store.client.streams.Streams/Tombstone': handler(tombstoneStream),
    '/kurrentdb.protocol.v2.streams.StreamsService/AppendSession': handler(appendSession),
    '/kurrentdb.protocol.v2.streams.StreamsService/AppendRecords': handler(appendRecords),
  };
}
