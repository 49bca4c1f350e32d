import assert from 'node:assert/strict';

import type * as kurrent from '@kurrent/kurrentdb-client';

import type { ClientName } from './clients.ts';

/** The functions and classes of a client's package. Both packages have those that the cases use. */
export type ClientLibrary = typeof kurrent;

/** A connected client. What only one of both has is left to the cases for that one. */
export type OfficialClient = kurrent.KurrentDBClient;

/** What a case gets. */
export interface ClientContext {
  readonly client: OfficialClient;
  readonly library: ClientLibrary;
}

/** One promise that users of the official clients rely on. */
export interface ClientCase {
  readonly name: string;
  /** Default: both. */
  readonly only?: ClientName;
  readonly run: (context: ClientContext) => Promise<void>;
}

/** What a writer expects, in the words of both clients. */
export function expecting(expected: bigint | 'any' | 'no_stream' | 'stream_exists'): kurrent.AppendToStreamOptions {
  return Object.assign({ streamState: expected }, { expectedRevision: expected });
}

/** A stream that no other case uses. */
export function newStream(category = `Case${crypto.randomUUID().slice(0, 8)}`): string {
  return `${category}-${crypto.randomUUID()}`;
}

/** Events whose data say which they are. */
export function numbered({ library }: ClientContext, count: number, type = 'Counted'): kurrent.JSONEventData[] {
  return Array.from({ length: count }, (_, number) => library.jsonEvent({ type, data: { number } }));
}

/** All that a read gives. */
export async function all<Item>(read: AsyncIterable<Item>): Promise<Item[]> {
  return Array.fromAsync(read);
}

/** The error with which a call is refused, by the clients' name for it. */
export async function refused(type: string, call: () => Promise<unknown>): Promise<Error> {
  try {
    await call();
  } catch (error) {
    assert.ok(error instanceof Error);
    assert.equal(Reflect.get(error, 'type'), type, error.message);
    return error;
  }
  return assert.fail('it was not refused');
}

/** Where an error says that the stream was. The clients call it differently. */
export function actualOf(error: object): unknown {
  return Reflect.get(error, 'actualState') ?? Reflect.get(error, 'actualVersion');
}
