import {
  AccessDenied,
  AppendTooLarge,
  DaybookError,
  EventTooLarge,
  InvalidOption,
  NotSupported,
  StoreUnavailable,
  StreamTombstoned,
  UnknownOutcome,
} from '../store/errors.ts';
import type { Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';

/** What was asked for when an error came. */
export interface FailedCall {
  readonly call: 'read' | 'append';
  readonly stream?: string | undefined;
  /** How much was sent. */
  readonly sizeBytes?: number;
}

/** What the clients' errors have, raw or converted, in the versions we know. */
interface ClientError {
  readonly message: string;
  /** The clients' own names, such as `wrong-expected-version`. */
  readonly type?: unknown;
  /** A gRPC status. */
  readonly code?: unknown;
  readonly metadata?: unknown;
  /** The gRPC error that a client's error was made from. */
  readonly _raw?: unknown;
}

/**
 * An error of a client as one of ours. An append that may have been written becomes `UnknownOutcome`. A wrong revision
 * is left to the caller, who knows what was expected.
 */
export function convertError(error: unknown, { call, stream, sizeBytes = 0 }: FailedCall): unknown {
  if (error instanceof DaybookError || !(error instanceof Error)) return error;
  const client: ClientError = error;
  const options = { cause: error };
  switch (errorType(error)) {
    case 'stream-deleted':
    case 'stream-tombstoned':
      return new StreamTombstoned((stream ?? '') as StreamName); // The name that the caller asked for.
    case 'access-denied':
      return new AccessDenied(`The server refuses this caller: ${client.message}`, options);
    case 'unsupported':
      return new NotSupported(`do this: ${client.message}`, 'The server');
    case 'invalid-argument':
      return new InvalidOption('of the request', client.message);
    case 'not-leader':
      return new StoreUnavailable(
        'The server is not the leader of its cluster. Nothing was written. Try again.',
        options,
      );
    case 'maximum-append-size-exceeded':
      return new AppendTooLarge('bytes', sizeBytes, number(error, 'maxAppendSize'));
    case 'transaction-max-size-exceeded':
      return new AppendTooLarge('bytes', number(error, 'size'), number(error, 'maxSize'));
    case 'append-record-size-exceeded':
      return new EventTooLarge({
        id: String(Reflect.get(error, 'recordId')),
        part: 'event',
        sizeBytes: number(error, 'size'),
        limitBytes: number(error, 'maxSize'),
      });
    default:
      return lost(error, call);
  }
}

/** The clients' name for an error: their own, or that in the trailers, or that of the gRPC status. */
export function errorType(error: Error): string {
  const { type, code, metadata, _raw }: ClientError = error;
  const raw: ClientError | undefined = typeof _raw === 'object' && _raw !== null ? (_raw as ClientError) : undefined;
  const trailer = exceptionIn(metadata ?? raw?.metadata);
  if (trailer !== undefined) return trailer;
  if (typeof type === 'string' && type !== 'unknown') return type;
  switch (code ?? raw?.code) {
    case 3:
      return 'invalid-argument';
    case 7:
    case 16:
      return 'access-denied';
    case 12:
      return 'unsupported';
    default:
      return 'unknown';
  }
}

/** Where the stream was when a write was refused. One client calls it `actualState`, the other `actualVersion`. */
export function actualRevision(error: unknown): Revision | undefined {
  if (!(error instanceof Error)) return undefined;
  const actual: unknown = Reflect.get(error, 'actualState') ?? Reflect.get(error, 'actualVersion');
  return typeof actual === 'bigint' && actual >= 0n ? (actual as Revision) : undefined; // The server's word.
}

function exceptionIn(metadata: unknown): string | undefined {
  if (typeof metadata !== 'object' || metadata === null || !('get' in metadata)) return undefined;
  const [exception]: readonly unknown[] = (metadata as { get(key: string): readonly unknown[] }).get('exception');
  return typeof exception === 'string' ? exception : undefined;
}

/** No answer, or none that we know. */
function lost(error: Error, call: FailedCall['call']): Error {
  const options = { cause: error };
  if (call === 'read' || neverSent.test(error.message)) {
    return new StoreUnavailable(`The server cannot be reached, or did not answer: ${error.message}`, options);
  }
  return new UnknownOutcome(`The server gave no answer: ${error.message}.`, options);
}

/** gRPC's words for a call that found no connection. */
const neverSent = /No connection established|Name resolution failed|ECONNREFUSED|Failed to discover/i;

function number(error: Error, field: string): number {
  return Number(Reflect.get(error, field));
}
