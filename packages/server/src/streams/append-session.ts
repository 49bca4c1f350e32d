import {
  AppendTooLarge,
  streamName,
  WrongExpectedRevision,
  type EventStore,
  type StreamAppend,
  type Violation,
} from 'daybook';

import type { Call } from '../grpc/call.ts';
import { status, type GrpcError } from '../grpc/status.ts';
import { Reader } from '../protocol/reader.ts';
import { readSessionRequest, writeSessionResponse, type SessionRequest } from '../protocol/records-messages.ts';
import { framed } from '../protocol/writer.ts';
import { collectedBytesAtMost } from './append.ts';
import { parseExpected, parseRecord } from './parse-record.ts';
import { streamsError, tombstoned, toRichError } from './rich-error.ts';
import { expectedNumber } from './to-grpc-error.ts';

/** AppendSession: one request for each stream, all written together. */
export async function appendSession(store: EventStore, call: Call): Promise<void> {
  const appends = new Map<string, StreamAppend>();
  try {
    let collectedBytes = 0;
    for await (const message of call.messages) {
      collectedBytes += message.length;
      if (collectedBytes > collectedBytesAtMost) {
        throw new AppendTooLarge('bytes', collectedBytes, collectedBytesAtMost);
      }
      const request = readSessionRequest(new Reader(message));
      if (appends.has(request.stream)) throw twiceInSession(request.stream);
      appends.set(request.stream, parseRequest(request));
    }
    if (appends.size === 0) throw emptySession();
    const { streams, position = 0n } = await store.appendAll([...appends.values()]);
    call.answer(framed((writer) => writeSessionResponse(writer, streams, position)));
  } catch (error) {
    if (call.signal.aborted) throw error;
    const [violation] = error instanceof WrongExpectedRevision ? error.violations : [];
    if (violation !== undefined) throw revisionConflict(violation);
    throw toRichError(error, (id) => streamOf([...appends.values()], id));
  }
}

/** The stream to which an event of these appends was to go. */
export function streamOf(appends: readonly StreamAppend[], eventId: string): string {
  return appends.find(({ events }) => events.some(({ id }) => id === eventId))?.stream ?? '';
}

/** Where a stream was, as the number that the second version of the protocol has for it. */
export function actualNumber({ actual, expected, isDeleted }: Violation): bigint {
  if (actual === 'tombstoned') return -6n;
  if (isDeleted && expected === 'stream-exists') return -5n;
  return actual === 'no-stream' ? -1n : actual;
}

function parseRequest({ stream, records, expected = -2n }: SessionRequest): StreamAppend {
  return {
    stream: streamName(stream),
    events: records.map((record) => parseRecord(record)),
    expected: parseExpected(expected),
  };
}

function revisionConflict(violation: Violation): GrpcError {
  const { stream, expected, isDeleted } = violation;
  if (violation.actual === 'tombstoned' || (isDeleted && expected === 'stream-exists')) return tombstoned(stream);
  const [believed, actual] = [expectedNumber(expected), actualNumber(violation)];
  return streamsError({
    code: status.failedPrecondition,
    message: `Stream '${stream}' is at ${actual}, not at ${believed}.`,
    reason: 'STREAM_REVISION_CONFLICT',
    details: {
      type: 'StreamRevisionConflictErrorDetails',
      write: (writer) => writer.string(1, stream).sint(2, believed).sint(3, actual),
    },
  });
}

function twiceInSession(stream: string): GrpcError {
  return streamsError({
    code: status.aborted,
    message: `Stream '${stream}' is in this append session already.`,
    reason: 'STREAM_ALREADY_IN_APPEND_SESSION',
    details: { type: 'StreamAlreadyInAppendSessionErrorDetails', write: (writer) => writer.string(1, stream) },
  });
}

function emptySession(): GrpcError {
  return streamsError({
    code: status.failedPrecondition,
    message: 'The append session has no requests.',
    reason: 'APPEND_SESSION_NO_REQUESTS',
  });
}
