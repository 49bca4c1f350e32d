import { revision, streamName, type ExpectedRevision, type StreamName } from 'daybook';

import type { Call } from '../grpc/call.ts';
import { GrpcError, status } from '../grpc/status.ts';
import type { ProposedMessage, WireExpected } from '../protocol/append-messages.ts';
import { Reader } from '../protocol/reader.ts';

/** The largest number that a revision or a position can be. */
export const largestNumber: bigint = 2n ** 63n - 1n;

/**
 * The only message of a call, for the rest of which nobody waits.
 *
 * @throws GrpcError when the client sends none.
 */
export async function onlyMessage(call: Call): Promise<Reader> {
  for await (const message of call.messages) return new Reader(message);
  throw new GrpcError(status.invalidArgument, 'The call has no request.');
}

/**
 * What a write expects, and of which stream.
 *
 * @throws GrpcError, InvalidStreamName when the client did not say, or said something that cannot be.
 */
export function parseWrite(write: { readonly stream: string; readonly expected: WireExpected | undefined }): {
  readonly stream: StreamName;
  readonly expected: ExpectedRevision;
} {
  const stream = streamName(write.stream);
  const { expected } = write;
  if (expected === undefined) throw new GrpcError(status.invalidArgument, 'The request expects nothing of the stream.');
  if (typeof expected !== 'bigint') return { stream, expected };
  if (expected > largestNumber) throw new GrpcError(status.invalidArgument, `${expected} is no revision.`);
  return { stream, expected: revision(expected) };
}

/**
 * The event, if all its metadata are there.
 *
 * @throws GrpcError when they are not.
 */
export function completeEvent(event: ProposedMessage): ProposedMessage {
  if (event.isComplete) return event;
  throw new GrpcError(status.invalidArgument, "The event's metadata lack type or content-type.", {
    exception: 'missing-required-metadata-property',
    'required-metadata-properties': 'type,content-type',
  });
}
