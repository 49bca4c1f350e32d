import type { Reader } from './reader.ts';
import { readValueEntry } from './value.ts';
import type { Writer } from './writer.ts';

/** `SchemaFormat`, by its numbers. */
export const schemaFormats = ['Unspecified', 'Json', 'Protobuf', 'Avro', 'Bytes'] as const;

/** `AppendRecord`: an event in the second version of the protocol. */
export interface AppendRecord {
  /** Only in `AppendRecords`. */
  readonly stream: string;
  /** Absent: the server makes one. */
  readonly id: string | undefined;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly schemaName: string;
  readonly schemaFormat: number;
  readonly schemaId: string | undefined;
  readonly data: Uint8Array;
}

/** `AppendRequest`: what an append session adds to one stream. */
export interface SessionRequest {
  readonly stream: string;
  readonly records: readonly AppendRecord[];
  /** A revision, or one of the numbers below zero. Absent: any. */
  readonly expected: bigint | undefined;
}

/** `AppendRequest`. */
export function readSessionRequest(reader: Reader): SessionRequest {
  let stream = '';
  let expected: bigint | undefined;
  const records: AppendRecord[] = [];
  while (reader.next()) {
    if (reader.field === 1) stream = reader.string();
    else if (reader.field === 2) records.push(readRecord(reader.message()));
    else if (reader.field === 3) expected = reader.sint64();
    else reader.skip();
  }
  return { stream, records, expected };
}

/** `AppendRecordsRequest`: events for any streams, and what must be so. */
export interface RecordsRequest {
  readonly records: readonly AppendRecord[];
  readonly checks: readonly RecordsCheck[];
}

export interface RecordsCheck {
  readonly stream: string;
  readonly expected: bigint;
}

/** `AppendRecordsRequest`. */
export function readRecordsRequest(reader: Reader): RecordsRequest {
  const records: AppendRecord[] = [];
  const checks: RecordsCheck[] = [];
  while (reader.next()) {
    if (reader.field === 1) records.push(readRecord(reader.message()));
    else if (reader.field === 2) checks.push(readCheck(reader.message()));
    else reader.skip();
  }
  return { records, checks };
}

function readCheck(reader: Reader): RecordsCheck {
  let check: RecordsCheck = { stream: '', expected: 0n };
  while (reader.next()) {
    if (reader.field === 1) check = readStateCheck(reader.message());
    else reader.skip();
  }
  return check;
}

function readStateCheck(reader: Reader): RecordsCheck {
  let stream = '';
  let expected = 0n;
  while (reader.next()) {
    if (reader.field === 1) stream = reader.string();
    else if (reader.field === 2) expected = reader.sint64();
    else reader.skip();
  }
  return { stream, expected };
}

function readRecord(reader: Reader): AppendRecord {
  let stream = '';
  let id: string | undefined;
  let schema: Schema = { schemaName: '', schemaFormat: 0, schemaId: undefined };
  let data: Uint8Array = new Uint8Array(0);
  const properties: (readonly [string, unknown])[] = [];
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        id = reader.string();
        break;
      case 2:
        properties.push(readValueEntry(reader.message()));
        break;
      case 3:
        schema = readSchema(reader.message());
        break;
      case 4:
        data = reader.bytes();
        break;
      case 5:
        stream = reader.string();
        break;
      default:
        reader.skip();
    }
  }
  return { stream, id, properties: Object.fromEntries(properties), ...schema, data };
}

type Schema = Pick<AppendRecord, 'schemaName' | 'schemaFormat' | 'schemaId'>;

function readSchema(reader: Reader): Schema {
  let schemaName = '';
  let schemaFormat = 0;
  let schemaId: string | undefined;
  while (reader.next()) {
    if (reader.field === 1) schemaFormat = reader.uint32();
    else if (reader.field === 2) schemaName = reader.string();
    else if (reader.field === 3) schemaId = reader.string();
    else reader.skip();
  }
  return { schemaName, schemaFormat, schemaId };
}

/** Where the last event of an append stands in one stream. */
export interface WrittenStream {
  readonly stream: string;
  readonly revision: bigint;
  readonly position: bigint;
}

/** `AppendSessionResponse`. */
export function writeSessionResponse(writer: Writer, streams: readonly WrittenStream[], position: bigint): void {
  for (const written of streams) {
    writer.message(1, (output) => output.string(1, written.stream).sint(2, written.revision).sint(3, written.position));
  }
  writer.sint(2, position);
}

/** `AppendRecordsResponse`. */
export function writeRecordsResponse(writer: Writer, streams: readonly WrittenStream[], position: bigint): void {
  for (const { stream, revision } of streams) {
    writer.message(1, (written) => written.string(1, stream).sint(2, revision));
  }
  writer.sint(2, position);
}
