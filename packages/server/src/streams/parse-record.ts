import { randomUUID } from 'node:crypto';

import { revision, type ExpectedRevision, type ExpectedState, type NewEvent } from 'daybook';

import { MalformedMessage } from '../protocol/reader.ts';
import { schemaFormats, type AppendRecord } from '../protocol/records-messages.ts';
import { parseUuid } from '../protocol/shared.ts';
import { badRequest } from './rich-error.ts';

const schemaNames = /^[\p{L}\p{N}_.$:-]+$/u;

/**
 * A record as an event: the schema's name is its type, the properties are its metadata.
 *
 * @throws GrpcError when it cannot be one.
 */
export function parseRecord(record: AppendRecord): NewEvent {
  const { properties, schemaName, schemaFormat, schemaId, data } = record;
  const format = schemaFormats[schemaFormat];
  if (format === undefined || format === 'Unspecified')
    throw badRequest(`The schema format ${schemaFormat} is unknown.`);
  if (!schemaNames.test(schemaName)) throw badRequest(`${JSON.stringify(schemaName)} is not a schema name.`);
  const metadata = {
    ...properties,
    '$schema.name': schemaName,
    '$schema.format': format,
    ...(schemaId !== undefined && { '$schema.id': schemaId }),
  };
  return {
    id: parseRecordId(record.id),
    type: schemaName,
    data,
    metadata: Buffer.from(JSON.stringify(metadata)),
    contentType: format === 'Json' ? 'application/json' : 'application/octet-stream',
  };
}

/** What an append session expects of a stream. */
export function parseExpected(expected: bigint): ExpectedRevision {
  switch (expected) {
    case -1n:
      return 'no-stream';
    case -2n:
      return 'any';
    case -4n:
      return 'stream-exists';
    default:
      if (expected < 0n) throw badRequest(`${expected} is nothing that can be expected of a stream.`);
      return revision(expected);
  }
}

/** What a check expects of a stream. That it may be anything is no check. */
export function parseExpectedState(expected: bigint): ExpectedState {
  if (expected === -5n) return 'deleted';
  if (expected === -6n) return 'tombstoned';
  const state = parseExpected(expected);
  if (state === 'any') throw badRequest('A check must expect something of its stream.');
  return state;
}

function parseRecordId(id: string | undefined): string {
  if (id === undefined || id === '') return randomUUID();
  try {
    return parseUuid(id);
  } catch (error) {
    throw error instanceof MalformedMessage ? badRequest(`${JSON.stringify(id)} is not a UUID.`) : error;
  }
}
