import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { revision } from './position.ts';
import {
  deletedBody,
  deletedTruncateBefore,
  formatStreamMetadata,
  isDeleted,
  parseStreamMetadata,
  type StreamMetadata,
} from './stream-metadata.ts';

function parsed(json: string): StreamMetadata {
  return parseStreamMetadata(Buffer.from(json));
}

function formatted(metadata: StreamMetadata): string {
  return Buffer.from(formatStreamMetadata(metadata)).toString();
}

describe('stream metadata', () => {
  it('is read from the keys that KurrentDB uses; all others are the user’s own', () => {
    assert.deepEqual(parsed('{"$maxCount":5,"$maxAge":60,"$tb":7,"$cacheControl":10,"$acl":{"$r":"a"},"x":[1]}'), {
      maxCount: 5,
      maxAgeMs: 60_000,
      truncateBefore: 7n,
      cacheControlMs: 10_000,
      acl: { $r: 'a' },
      custom: { x: [1] },
    });
  });

  it('is written as it was read', () => {
    const metadata: StreamMetadata = {
      maxCount: 5,
      maxAgeMs: 60_000,
      truncateBefore: revision(7),
      cacheControlMs: 10_000,
      acl: ['a'],
      custom: { x: null },
    };
    assert.deepEqual(parseStreamMetadata(formatStreamMetadata(metadata)), metadata);
  });

  it('ages are whole seconds, rounded up, and never nothing', () => {
    assert.equal(formatted({ maxAgeMs: 1, custom: {} }), '{"$maxAge":1}');
    assert.equal(formatted({ maxAgeMs: 1_001, cacheControlMs: 0.5, custom: {} }), '{"$maxAge":2,"$cacheControl":1}');
  });

  it('the mark of a deleted stream keeps all its digits', () => {
    assert.equal(isDeleted(parsed(deletedBody)), true);
    assert.equal(isDeleted(parsed('{"$tb":9223372036854775806}')), false);
    assert.equal(isDeleted(parsed('{"$tb":9223372036854775000}')), false);
    assert.equal(formatted({ truncateBefore: revision(deletedTruncateBefore), custom: {} }), deletedBody);
  });

  it('what is malformed counts as no metadata, and a limit that is not positive as absent', () => {
    for (const json of ['', '{', '[]', 'null', '"x"', '7', '{"$maxCount":0}', '{"$maxAge":-1}', '{"$tb":"7"}']) {
      assert.deepEqual(parsed(json), { custom: {} }, json);
    }
    assert.deepEqual(parseStreamMetadata(Uint8Array.of(0xff, 0xfe)), { custom: {} });
  });
});
