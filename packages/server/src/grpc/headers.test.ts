import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import * as fc from 'fast-check';

import { GrpcError, status } from './status.ts';
import { timeoutMs } from './timeout.ts';
import { errorTrailers, percentEncoded } from './trailers.ts';

describe('grpc-timeout', () => {
  it('has units from hours to nanoseconds', () => {
    const found = ['1H', '2M', '3S', '4m', '5000u', '6000000n', '99999999S', '0m'].map(timeoutMs);
    assert.deepEqual(found, [3_600_000, 120_000, 3_000, 4, 5, 6, 99_999_999_000, 0]);
  });

  it('is refused when it is anything else', () => {
    for (const header of ['', '1', 'S', '-1S', '1.5S', '123456789S', '1s', '1S ']) {
      assert.throws(() => timeoutMs(header), { status: status.internal }, header);
    }
  });
});

describe('status trailers', () => {
  it('carry any text as printable ASCII that decodes to it', () => {
    assert.equal(percentEncoded('100 % of Größe\n'), '100 %25 of Gr%C3%B6%C3%9Fe%0A');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const encoded = percentEncoded(text);
        assert.match(encoded, /^[ -~]*$/);
        assert.equal(decodeURIComponent(encoded), text);
      }),
    );
  });

  it('carry bytes as base64 and texts as they are', () => {
    const error = new GrpcError(status.notFound, 'gone', {
      exception: 'x',
      'stream-name': 'ä',
      'grpc-status-details-bin': new Uint8Array([1, 2, 3, 4]),
    });
    assert.deepEqual(errorTrailers(error), {
      'grpc-status': '5',
      'grpc-message': 'gone',
      exception: 'x',
      'stream-name': '%C3%A4',
      'grpc-status-details-bin': 'AQIDBA',
    });
  });
});
