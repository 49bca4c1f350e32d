import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { convertError } from './convert-error.ts';

/** An error as gRPC gives it. */
function grpcError(code: number, message: string, exception?: string): Error {
  const metadata = { get: (key: string) => (key === 'exception' && exception !== undefined ? [exception] : []) };
  return Object.assign(new Error(`${code} ${message}`), { code, metadata });
}

/** An error as a client makes it of one. */
function clientError(type: string, fields: object = {}): Error {
  return Object.assign(new Error(type), { type, ...fields });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? Reflect.get(error, 'code') : error;
}

describe('an error of a client', () => {
  for (const [what, error, append, read] of [
    [
      'a refused connection was never used',
      grpcError(14, 'UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED'),
      'store-unavailable',
      'store-unavailable',
    ],
    [
      'a lost connection leaves an append unknown',
      grpcError(14, 'UNAVAILABLE: Connection dropped'),
      'unknown-outcome',
      'store-unavailable',
    ],
    ['a time-out leaves an append unknown', clientError('deadline-exceeded'), 'unknown-outcome', 'store-unavailable'],
    ['a cancelled call leaves an append unknown', clientError('cancelled'), 'unknown-outcome', 'store-unavailable'],
    [
      'what nobody knows leaves an append unknown',
      clientError('unknown', { code: 2 }),
      'unknown-outcome',
      'store-unavailable',
    ],
    ['a follower has written nothing', clientError('not-leader'), 'store-unavailable', 'store-unavailable'],
    [
      'a tombstone is told by its trailer',
      grpcError(9, 'deleted', 'stream-deleted'),
      'stream-tombstoned',
      'stream-tombstoned',
    ],
    ['denied by status', grpcError(7, 'no'), 'access-denied', 'access-denied'],
    ['not who one says', clientError('unknown', { code: 16 }), 'access-denied', 'access-denied'],
    ['denied by trailer', grpcError(7, 'no', 'access-denied'), 'access-denied', 'access-denied'],
    [
      "denied inside a client's error",
      clientError('unknown', { _raw: grpcError(7, 'no') }),
      'access-denied',
      'access-denied',
    ],
    ['an old server', clientError('unsupported'), 'not-supported', 'not-supported'],
    ['no such method', grpcError(12, 'unimplemented'), 'not-supported', 'not-supported'],
    ['a request that means nothing', grpcError(3, 'bad'), 'invalid-option', 'invalid-option'],
    [
      'an append over the limit',
      clientError('maximum-append-size-exceeded', { maxAppendSize: 5 }),
      'append-too-large',
      'append-too-large',
    ],
    [
      'an event over the limit',
      clientError('append-record-size-exceeded', { recordId: 'x', size: 9, maxSize: 5 }),
      'event-too-large',
      'event-too-large',
    ],
  ] as const) {
    it(`is one of ours: ${what}`, () => {
      assert.equal(codeOf(convertError(error, { call: 'append', stream: 'a-1' })), append);
      assert.equal(codeOf(convertError(error, { call: 'read', stream: 'a-1' })), read);
    });
  }

  it('keeps the facts', () => {
    const error = convertError(clientError('append-record-size-exceeded', { recordId: 'x', size: 9, maxSize: 5 }), {
      call: 'append',
    });
    assert.deepEqual({ ...(error as object) }, { ...(error as object), id: 'x', sizeBytes: 9, limitBytes: 5 });
  });
});
