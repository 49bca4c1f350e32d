import { AppendTooLarge, EventTooLarge, StreamDeleted, StreamTombstoned, WrongExpectedRevision } from 'daybook';

import { status } from '../grpc/status.ts';
import type { WireExpected } from '../protocol/append-messages.ts';
import { writeRefusedDetails, type BatchError } from '../protocol/batch-messages.ts';
import { writeStreamIdentifier } from '../protocol/shared.ts';
import { encoded, type Writer } from '../protocol/writer.ts';
import { actualRevision, toGrpcError } from './to-grpc-error.ts';

const nothing = 'google.protobuf.Empty';

/** The append was not done when its client stopped waiting. Perhaps it was written. */
export const timedOut: BatchError = batchError(status.deadlineExceeded, {
  message: 'Operation timed out',
  type: 'event_store.client.Timeout',
});

/** The append is larger than what is collected for one. */
export function batchTooLarge(limitBytes: number): BatchError {
  return batchError(status.invalidArgument, {
    message: `Maximum Append Size of ${limitBytes} Exceeded.`,
    type: 'event_store.client.MaximumAppendSizeExceeded',
    write: (writer) => writer.uint(1, limitBytes),
  });
}

/** Why an append of a batch failed, in the words of that rpc. The call stays open. */
export function toBatchError(error: unknown, expected: WireExpected | undefined): BatchError {
  if (error instanceof WrongExpectedRevision) {
    const { message, actual } = error;
    return batchError(status.alreadyExists, {
      message,
      type: 'event_store.client.WrongExpectedVersion',
      write: (writer) => writeRefusedDetails(writer, { actual: actualRevision(actual), expected: expected ?? 'any' }),
    });
  }
  if (error instanceof StreamTombstoned || error instanceof StreamDeleted) {
    const { message, stream } = error;
    return batchError(status.notFound, {
      message,
      type: 'event_store.client.StreamDeleted',
      write: (writer) => writer.message(1, (identifier) => writeStreamIdentifier(identifier, stream)),
    });
  }
  // Clients know one name for both: what is too large, an event or all of them, is in the message.
  if (error instanceof AppendTooLarge) return { ...batchTooLarge(error.limit), message: error.message };
  if (error instanceof EventTooLarge) return { ...batchTooLarge(error.limitBytes), message: error.message };
  return other(error);
}

function other(error: unknown): BatchError {
  const { status: code, message } = toGrpcError(error);
  if (code === status.permissionDenied) return batchError(code, { message, type: 'event_store.client.AccessDenied' });
  if (code === status.unknown) return batchError(code, { message, type: 'event_store.client.Unknown' });
  if (code !== status.invalidArgument) return batchError(code, { message, type: nothing });
  return batchError(code, {
    message,
    type: 'event_store.client.BadRequest',
    write: (writer) => writer.string(1, message),
  });
}

function batchError(
  code: number,
  details: { readonly message: string; readonly type: string; readonly write?: (writer: Writer) => void },
): BatchError {
  const { message, type, write = () => {} } = details;
  return { code, message, details: { type, bytes: encoded(write) } };
}
