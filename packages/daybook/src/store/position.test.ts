import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { position, revision, tombstoneRevision } from './position.ts';

describe('revisions and positions', () => {
  it('are whole numbers from 0 to 2^63 - 1', () => {
    assert.deepEqual([revision(0), revision(7n), position(2 ** 40)], [0n, 7n, 2n ** 40n]);
    assert.equal(revision(tombstoneRevision), 9_223_372_036_854_775_807n);
  });

  it('are nothing else', () => {
    for (const wrong of [-1, -1n, 2n ** 63n, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => revision(wrong), RangeError);
      assert.throws(() => position(wrong), RangeError);
    }
  });
});
