import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { array, assert as assertProperty, boolean, integer, oneof, property } from 'fast-check';

import { IdLookup } from './id-lookup.ts';

describe('the lookup of ids', () => {
  it('gives every revision at which a hash stands, in a short stream and in a long one', () => {
    const hash = oneof(integer({ min: 0, max: 5 }), integer({ min: 0, max: 2 ** 48 - 1 }));
    assertProperty(
      property(array(hash, { maxLength: 300 }), boolean(), (hashes, isReserved) => {
        const lookup = new IdLookup();
        if (isReserved) lookup.reserve(hashes.length);
        for (const one of hashes) lookup.add(one);
        assert.equal(lookup.count, hashes.length);
        for (const one of hashes) {
          const expected = hashes.flatMap((other, revision) => (other === one ? [revision] : []));
          const found = lookup.revisionsOf(one);
          assert.deepEqual(
            found.filter((revision) => hashes[revision] === one),
            expected,
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  it('looks at few others, also when ids count up', () => {
    const lookup = new IdLookup();
    for (let hash = 0; hash < 100_000; hash += 1) lookup.add(hash * 2);
    let others = 0;
    for (let hash = 0; hash < 100_000; hash += 1) others += lookup.revisionsOf(hash * 2 + 1).length;
    assert.ok(others < 100, `${others} false ones`);
    assert.deepEqual(lookup.revisionsOf(150_000), [75_000]);
  });
});
