import { AppendTooLarge, WrongExpectedRevision, type EventStore } from 'daybook';

import type { Call } from '../grpc/call.ts';
import { GrpcError, status } from '../grpc/status.ts';
import {
  readAppendRequest,
  writeAppendRefused,
  writeAppendResponse,
  type ProposedMessage,
  type WireAppended,
  type WireExpected,
} from '../protocol/append-messages.ts';
import { Reader } from '../protocol/reader.ts';
import { framed } from '../protocol/writer.ts';
import { checkOnly } from './check-only.ts';
import { completeEvent, parseWrite } from './parse-request.ts';
import { actualRevision } from './to-grpc-error.ts';

/** An append of more than this is refused before all of it has come, whatever the store would take: 64 MiB. */
export const collectedBytesAtMost: number = 64 * 1024 * 1024;

/** Append: options, then events, then one answer. */
export async function append(store: EventStore, call: Call): Promise<void> {
  let write: ReturnType<typeof parseWrite> | undefined;
  let collectedBytes = 0;
  const events: ProposedMessage[] = [];
  for await (const message of call.messages) {
    const request = readAppendRequest(new Reader(message));
    if (request === undefined) continue;
    if ('options' in request) {
      write = parseWrite(request.options);
      continue;
    }
    if (write === undefined) throw new GrpcError(status.invalidArgument, 'An event came before the options.');
    collectedBytes += message.length;
    if (collectedBytes > collectedBytesAtMost) throw new AppendTooLarge('bytes', collectedBytes, collectedBytesAtMost);
    events.push(completeEvent(request.event));
  }
  if (write === undefined) throw new GrpcError(status.invalidArgument, 'The call has no options.');
  call.answer(await answer(store, write, events));
}

async function answer(
  store: EventStore,
  write: ReturnType<typeof parseWrite>,
  events: readonly ProposedMessage[],
): Promise<Buffer> {
  try {
    const appended = await appendOrCheck(store, write, events);
    return framed((writer) => writeAppendResponse(writer, appended));
  } catch (error) {
    if (!(error instanceof WrongExpectedRevision)) throw error;
    const expected: WireExpected = write.expected;
    return framed((writer) => writeAppendRefused(writer, { actual: actualRevision(error.actual), expected }));
  }
}

/** Appends events to a stream; without any, only checks where the stream is. */
export async function appendOrCheck(
  store: EventStore,
  write: ReturnType<typeof parseWrite>,
  events: readonly ProposedMessage[],
): Promise<WireAppended> {
  return events.length === 0
    ? checkOnly(store, write)
    : store.append(write.stream, events, { expected: write.expected });
}
