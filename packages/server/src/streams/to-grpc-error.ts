import {
  DaybookError,
  AppendTooLarge,
  EventTooLarge,
  StreamDeleted,
  StreamTombstoned,
  WrongExpectedRevision,
  type ActualState,
  type ExpectedRevision,
  type ExpectedState,
} from 'daybook';

import { GrpcError, status, type StatusCode } from '../grpc/status.ts';
import { MalformedMessage } from '../protocol/reader.ts';

/** Codes without facts, and the status that each becomes. Codes that are not here are our own failures. */
const statusOf: Readonly<Record<string, StatusCode>> = {
  'invalid-stream-name': status.invalidArgument,
  'invalid-event': status.invalidArgument,
  'invalid-option': status.invalidArgument,
  'not-supported': status.unimplemented,
  'disk-full': status.resourceExhausted,
  'store-closed': status.unavailable,
  'store-unavailable': status.unavailable,
  'store-busy': status.unavailable,
  'index-damaged': status.unavailable,
  'setting-refused': status.failedPrecondition,
  'store-read-only': status.failedPrecondition,
  'unknown-outcome': status.unknown,
  'io-error': status.unknown,
  'event-damaged': status.dataLoss,
  'store-damaged': status.dataLoss,
};

/**
 * The status and trailers by which clients know an error of the store. What is neither a DaybookError nor the client's
 * mistake becomes INTERNAL, with nothing of its text.
 */
export function toGrpcError(error: unknown): GrpcError {
  if (error instanceof GrpcError) return error;
  if (error instanceof MalformedMessage) return new GrpcError(status.invalidArgument, error.message);
  if (!(error instanceof DaybookError)) return new GrpcError(status.internal, 'The server failed.');
  if (error instanceof WrongExpectedRevision) return wrongRevision(error);
  if (error instanceof StreamTombstoned || error instanceof StreamDeleted) return streamDeleted(error.stream);
  if (error instanceof EventTooLarge) return eventTooLarge(error);
  if (error instanceof AppendTooLarge) {
    return new GrpcError(status.invalidArgument, `Maximum Append Size of ${error.limit} Exceeded.`, {
      exception: 'maximum-append-size-exceeded',
      'maximum-append-size': String(error.limit),
    });
  }
  if (error.code === 'read-only-stream' || error.code === 'access-denied') return accessDenied();
  return new GrpcError(statusOf[error.code] ?? status.internal, error.message);
}

/** The refusal of a caller who may not do this. */
function accessDenied(): GrpcError {
  return new GrpcError(status.permissionDenied, 'Access Denied', { exception: 'access-denied' });
}

/** What clients know by `stream-deleted`: a tombstone, or an append that expects a deleted stream to exist. */
function streamDeleted(stream: string): GrpcError {
  return new GrpcError(status.failedPrecondition, `Event stream '${stream}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': trailerText(stream),
  });
}

/** What a client expects of a stream, as the number that the protocol has for it. */
export function expectedNumber(expected: ExpectedRevision | ExpectedState): bigint {
  switch (expected) {
    case 'no-stream':
      return -1n;
    case 'any':
      return -2n;
    case 'stream-exists':
      return -4n;
    case 'deleted':
      return -5n;
    case 'tombstoned':
      return -6n;
    default:
      return expected;
  }
}

/** Where a stream was, if it was anywhere. */
export function actualRevision(actual: ActualState): bigint | undefined {
  return typeof actual === 'bigint' ? actual : undefined;
}

/** Text as a trailer may carry it: what is not ASCII becomes the percent form of its UTF-8 bytes. */
function trailerText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/gu, (odd) => encodeURIComponent(odd.toWellFormed()));
}

function wrongRevision({ stream, expected, actual }: WrongExpectedRevision): GrpcError {
  const where = actualRevision(actual)?.toString() ?? '';
  const expectedVersion = expectedNumber(expected).toString();
  return new GrpcError(
    status.failedPrecondition,
    `The write failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: ${expectedVersion}, Actual version: ${where}`,
    {
      exception: 'wrong-expected-version',
      'stream-name': trailerText(stream),
      'expected-version': expectedVersion,
      'actual-version': where,
    },
  );
}

function eventTooLarge({ message, id, sizeBytes, limitBytes }: EventTooLarge): GrpcError {
  return new GrpcError(status.invalidArgument, message, {
    exception: 'maximum-append-event-size-exceeded',
    'maximum-append-event-size': String(limitBytes),
    'event-id': id,
    'proposed-append-event-size': String(sizeBytes),
  });
}
