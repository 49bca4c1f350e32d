import type { ContentType, NewEvent } from 'daybook';

import { MalformedMessage, type Reader } from './reader.ts';
import { readStreamIdentifier, readUuid, writePosition } from './shared.ts';
import type { Writer } from './writer.ts';

/** What a client expects of a stream, as the protocol says it. */
export type WireExpected = bigint | 'no-stream' | 'any' | 'stream-exists';

/** To which stream an append, a delete or a tombstone goes. */
export interface WriteOptions {
  readonly stream: string;
  /** Absent when the client did not say. */
  readonly expected: WireExpected | undefined;
}

/** An event that a client wants to append. */
export interface ProposedMessage extends NewEvent {
  readonly metadata: Uint8Array;
  readonly contentType: ContentType;
  /** The metadata `type` and `content-type` were there. */
  readonly isComplete: boolean;
}

/** `AppendReq.Options`, `DeleteReq.Options` and `TombstoneReq.Options`: they are alike. */
function readWriteOptions(reader: Reader): WriteOptions {
  let stream = '';
  let expected: WireExpected | undefined;
  while (reader.next()) {
    if (reader.field === 1) stream = readStreamIdentifier(reader.message());
    else if (reader.field >= 2 && reader.field <= 5) expected = readExpected(reader);
    else reader.skip();
  }
  return { stream, expected };
}

/** Fields 2 to 5 of the options of every kind of write. */
export function readExpected(reader: Reader): WireExpected {
  if (reader.field === 2) return reader.uint64();
  const kind = reader.field === 3 ? 'no-stream' : reader.field === 4 ? 'any' : 'stream-exists';
  reader.skip();
  return kind;
}

/** `DeleteReq` and `TombstoneReq`. */
export function readDeleteRequest(reader: Reader): WriteOptions {
  let options: WriteOptions | undefined;
  while (reader.next()) {
    if (reader.field === 1) options = readWriteOptions(reader.message());
    else reader.skip();
  }
  if (options === undefined) throw new MalformedMessage('The request has no options.');
  return options;
}

/** `AppendReq`: the options, or the next event. */
export function readAppendRequest(
  reader: Reader,
): { readonly options: WriteOptions } | { readonly event: ProposedMessage } | undefined {
  let request: ReturnType<typeof readAppendRequest>;
  while (reader.next()) {
    if (reader.field === 1) request = { options: readWriteOptions(reader.message()) };
    else if (reader.field === 2) request = { event: readProposedMessage(reader.message()) };
    else reader.skip();
  }
  return request;
}

const noBytes = new Uint8Array(0);

/** An event of `AppendReq` or `BatchAppendReq`. */
export function readProposedMessage(reader: Reader): ProposedMessage {
  let id = '';
  let type: string | undefined;
  let contentType: string | undefined;
  let metadata: Uint8Array = noBytes;
  let data: Uint8Array = noBytes;
  while (reader.next()) {
    if (reader.field === 1) id = readUuid(reader.message());
    else if (reader.field === 2) {
      const [key, value] = readEntry(reader.message());
      if (key === 'type') type = value;
      else if (key === 'content-type') contentType = value;
    } else if (reader.field === 3) metadata = reader.bytes();
    else if (reader.field === 4) data = reader.bytes();
    else reader.skip();
  }
  const isComplete = type !== undefined && contentType !== undefined;
  return {
    id,
    type: type ?? '',
    data,
    metadata,
    contentType: contentType === 'application/json' ? contentType : 'application/octet-stream',
    isComplete,
  };
}

/** An entry of a map from text to text. */
function readEntry(reader: Reader): readonly [key: string, value: string] {
  let key = '';
  let value = '';
  while (reader.next()) {
    if (reader.field === 1) key = reader.string();
    else if (reader.field === 2) value = reader.string();
    else reader.skip();
  }
  return [key, value];
}

/** Where an append ended. */
export interface WireAppended {
  /** Absent when the stream has no events. */
  readonly revision: bigint | undefined;
  /** Absent when nothing says where. */
  readonly position: bigint | undefined;
}

/** `Success` of `AppendResp` and `BatchAppendResp`: they are alike. */
export function writeSuccess(writer: Writer, { revision, position }: WireAppended): void {
  if (revision === undefined) writer.message(2);
  else writer.uint(1, revision);
  if (position === undefined) writer.message(4);
  else writer.message(3, (place) => writePosition(place, position));
}

/** `AppendResp` of an append that was written. */
export function writeAppendResponse(writer: Writer, appended: WireAppended): void {
  writer.message(1, (success) => writeSuccess(success, appended));
}

/** Where a stream was, and where the writer expected it. */
export interface WireRefused {
  /** Absent when there is no stream. */
  readonly actual: bigint | undefined;
  readonly expected: WireExpected;
}

/** `AppendResp` of an append that was refused. The facts come twice: clients before 20.10 know the first fields only. */
export function writeAppendRefused(writer: Writer, { actual, expected }: WireRefused): void {
  writer.message(2, (refused) => {
    if (actual === undefined) refused.message(2).message(7);
    else refused.uint(1, actual).uint(6, actual);
    switch (expected) {
      case 'any':
        refused.message(4).message(9);
        return;
      case 'stream-exists':
        refused.message(5).message(10);
        return;
      case 'no-stream':
        refused.uint(3, 0xffff_ffff_ffff_ffffn).message(11);
        return;
      default:
        refused.uint(3, expected).uint(8, expected);
    }
  });
}

/** `DeleteResp` and `TombstoneResp`. */
export function writeDeleteResponse(writer: Writer, position: bigint): void {
  writer.message(1, (place) => writePosition(place, position));
}
