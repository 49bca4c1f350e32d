import type { EventStore } from 'daybook';

import type { Call } from '../grpc/call.ts';
import { readDeleteRequest, writeDeleteResponse } from '../protocol/append-messages.ts';
import { framed } from '../protocol/writer.ts';
import { onlyMessage, parseWrite } from './parse-request.ts';

/** Delete: hides a stream. */
export async function deleteStream(store: EventStore, call: Call): Promise<void> {
  const { stream, expected } = parseWrite(readDeleteRequest(await onlyMessage(call)));
  const { position } = await store.deleteStream(stream, { expected });
  call.answer(framed((writer) => writeDeleteResponse(writer, position)));
}

/** Tombstone: closes the name of a stream for good. */
export async function tombstoneStream(store: EventStore, call: Call): Promise<void> {
  const { stream, expected } = parseWrite(readDeleteRequest(await onlyMessage(call)));
  const { position } = await store.tombstoneStream(stream, { expected });
  call.answer(framed((writer) => writeDeleteResponse(writer, position)));
}
