import { AppendTooLarge, EventTooLarge, StreamDeleted, StreamTombstoned } from 'daybook';

import { GrpcError, status, type StatusCode } from '../grpc/status.ts';
import { encoded, type Writer } from '../protocol/writer.ts';
import { toGrpcError } from './to-grpc-error.ts';

const streamErrors = 'kurrentdb.protocol.v2.streams.errors';
const serverErrors = 'kurrent.rpc';

/** An error of the second version of the protocol: what every client can read, and what only some can. */
export interface RichError {
  readonly code: StatusCode;
  readonly message: string;
  /** In capitals: `STREAM_TOMBSTONED`. */
  readonly reason: string;
  readonly domain: string;
  /** Its message type, without the package, and its fields. */
  readonly details?: { readonly type: string; readonly write: (writer: Writer) => void };
}

/** The status with the details in `grpc-status-details-bin`. Clients that know one of them only take the last. */
function richError({ code, message, reason, domain, details }: RichError): GrpcError {
  const bytes = encoded((writer) => {
    writer.int(1, code).string(2, message);
    writer.message(3, (any) =>
      writeAny(any, 'google.rpc.ErrorInfo', (info) => info.string(1, reason).string(2, domain)),
    );
    if (details !== undefined) writer.message(3, (any) => writeAny(any, `${domain}.${details.type}`, details.write));
  });
  return new GrpcError(code, message, { 'grpc-status-details-bin': bytes });
}

/** An error of the streams service. */
export function streamsError(error: Omit<RichError, 'domain'>): GrpcError {
  return richError({ ...error, domain: streamErrors });
}

/** The refusal of a request that cannot be done whatever the streams hold. */
export function badRequest(message: string): GrpcError {
  return richError({ code: status.invalidArgument, message, reason: 'BAD_REQUEST', domain: serverErrors });
}

/** The refusal of an append to a stream that is tombstoned, or deleted and expected to exist. */
export function tombstoned(stream: string): GrpcError {
  return streamsError({
    code: status.failedPrecondition,
    message: `Stream '${stream}' is tombstoned.`,
    reason: 'STREAM_TOMBSTONED',
    details: { type: 'StreamTombstonedErrorDetails', write: (writer) => writer.string(1, stream) },
  });
}

/** An error of the store in the words of the second version. A wrong revision is left to the caller. */
export function toRichError(error: unknown, streamOf: (eventId: string) => string): GrpcError {
  if (error instanceof StreamTombstoned || error instanceof StreamDeleted) return tombstoned(error.stream);
  if (error instanceof EventTooLarge) {
    const { id, sizeBytes, limitBytes, message } = error;
    return streamsError({
      code: status.invalidArgument,
      message,
      reason: 'APPEND_RECORD_SIZE_EXCEEDED',
      details: {
        type: 'AppendRecordSizeExceededErrorDetails',
        write: (writer) => writer.string(1, streamOf(id)).string(2, id).int(3, sizeBytes).int(4, limitBytes),
      },
    });
  }
  if (error instanceof AppendTooLarge) {
    const { size, limit, message } = error;
    return streamsError({
      code: status.aborted,
      message,
      reason: 'APPEND_TRANSACTION_SIZE_EXCEEDED',
      details: {
        type: 'AppendTransactionSizeExceededErrorDetails',
        write: (writer) => writer.int(1, size).int(2, limit),
      },
    });
  }
  const plain = toGrpcError(error);
  if (plain.status === status.invalidArgument) return badRequest(plain.message);
  if (plain.status !== status.permissionDenied) return plain;
  return richError({
    code: plain.status,
    message: plain.message,
    reason: 'ACCESS_DENIED',
    domain: serverErrors,
    details: { type: 'AccessDeniedErrorDetails', write: (writer) => writer.string(1, 'append') },
  });
}

function writeAny(writer: Writer, type: string, write: (writer: Writer) => void): void {
  writer.string(1, `type.googleapis.com/${type}`).message(2, write);
}
