import {
  readExpected,
  readProposedMessage,
  writeSuccess,
  type ProposedMessage,
  type WireAppended,
  type WireExpected,
  type WireRefused,
} from './append-messages.ts';
import { decoded, MalformedMessage, Reader } from './reader.ts';
import { readMilliseconds, readStreamIdentifier, writeStreamIdentifier } from './shared.ts';
import type { Writer } from './writer.ts';

/** `BatchAppendReq`: a part of one append. */
export interface BatchRequest {
  /** The bytes of the id as the client wrote them: the answer carries the same. */
  readonly correlationId: Buffer;
  readonly options: BatchOptions | undefined;
  readonly events: readonly ProposedMessage[];
  readonly isFinal: boolean;
}

export interface BatchOptions {
  readonly stream: string;
  readonly expected: WireExpected | undefined;
  /** When the client stops waiting, in epoch milliseconds. Absent: it did not say. */
  readonly deadlineMs: number | undefined;
}

/** `BatchAppendReq`. `nowMs` turns how long the client waits into until when. */
export function readBatchRequest(reader: Reader, nowMs: number): BatchRequest {
  let correlationId: Buffer | undefined;
  let options: BatchOptions | undefined;
  let isFinal = false;
  const events: ProposedMessage[] = [];
  while (reader.next()) {
    if (reader.field === 1) correlationId = reader.bytes();
    else if (reader.field === 2) options = readBatchOptions(reader.message(), nowMs);
    else if (reader.field === 3) events.push(readProposedMessage(reader.message()));
    else if (reader.field === 4) isFinal = reader.bool();
    else reader.skip();
  }
  if (correlationId === undefined) throw new MalformedMessage('The request has no correlation id.');
  return { correlationId, options, events, isFinal };
}

function readBatchOptions(reader: Reader, nowMs: number): BatchOptions {
  let stream = '';
  let expected: WireExpected | undefined;
  let deadlineMs: number | undefined;
  while (reader.next()) {
    if (reader.field === 1) stream = readStreamIdentifier(reader.message());
    else if (reader.field >= 2 && reader.field <= 5) expected = readExpected(reader);
    else if (reader.field === 6) deadlineMs = readMilliseconds(reader.message());
    else if (reader.field === 7) deadlineMs = nowMs + readMilliseconds(reader.message());
    else reader.skip();
  }
  return { stream, expected, deadlineMs };
}

/** Why one append of a batch was not written. */
export interface BatchError {
  /** By `google.rpc.Code`. */
  readonly code: number;
  readonly message: string;
  /** The message type of the details and its bytes. */
  readonly details: { readonly type: string; readonly bytes: Uint8Array };
}

/** What becomes of one append of a batch. */
export interface BatchAnswer {
  readonly correlationId: Buffer;
  readonly stream: string;
  readonly expected: WireExpected | undefined;
  readonly result: { readonly success: WireAppended } | { readonly error: BatchError };
}

/** `BatchAppendResp`. */
export function writeBatchResponse(writer: Writer, { correlationId, stream, expected, result }: BatchAnswer): void {
  writer.bytes(1, correlationId);
  if ('success' in result) writer.message(3, (success) => writeSuccess(success, result.success));
  else writer.message(2, (status) => writeBatchError(status, result.error));
  writer.message(4, (identifier) => writeStreamIdentifier(identifier, stream));
  if (typeof expected === 'bigint') writer.uint(5, expected);
  else if (expected !== undefined) writer.message(expected === 'no-stream' ? 6 : expected === 'any' ? 7 : 8);
}

/** The details `event_store.client.WrongExpectedVersion`. */
export function writeRefusedDetails(writer: Writer, { actual, expected }: WireRefused): void {
  if (actual === undefined) writer.message(2);
  else writer.uint(1, actual);
  if (typeof expected === 'bigint') writer.uint(3, expected);
  else writer.message(expected === 'any' ? 4 : expected === 'stream-exists' ? 5 : 6);
}

/** A key that is the same for the same correlation id, in whichever form. */
export function correlationKey(correlationId: Buffer): string {
  return decodedOrHex(correlationId);
}

function writeBatchError(writer: Writer, { code, message, details }: BatchError): void {
  writer.int(1, code).string(2, message);
  writer.message(3, (any) => any.string(1, `type.googleapis.com/${details.type}`).bytes(2, details.bytes));
}

function decodedOrHex(bytes: Buffer): string {
  const reader = new Reader(bytes);
  if (reader.next() && reader.field === 2) return decoded(reader.bytes()).toLowerCase();
  return bytes.toString('hex');
}
