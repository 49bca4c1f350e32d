import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { array, assert as assertProperty, boolean, integer, oneof, property } from 'fast-check';

import { decodeBlock, extendBlock, type Block } from './block.ts';
import { IndexDamaged } from './errors.ts';
import type { StoredBlock } from './rows.ts';

/** Positions that grow, near each other or far apart. */
const growing = array(oneof(integer({ min: 1, max: 3 }), integer({ min: 1, max: 2 ** 40 })), {
  minLength: 1,
  maxLength: 300,
})
  .map((distances) => {
    let position = 0;
    return distances.map((distance) => (position += distance));
  })
  .filter((positions) => positions.at(-1)! < 2 ** 48);

const hash = integer({ min: 0, max: 2 ** 48 - 1 });

describe('blocks of the index', () => {
  it('hold what was put into them, in whatever portions it came, without gaps', () => {
    assertProperty(
      property(growing, boolean(), integer({ min: 1, max: 120 }), hash, (positions, hashed, portion, seed) => {
        const idHashes = hashed ? positions.map((_, index) => (seed + index * 7_919) % 2 ** 48) : [];
        const stored = new Map<number, Block>();
        let last: StoredBlock | undefined;
        for (let at = 0; at < positions.length; at += portion) {
          const added = { positions: positions.slice(at, at + portion), idHashes: idHashes.slice(at, at + portion) };
          for (const block of extendBlock('Order-1', last, added)) {
            last = block;
            stored.set(block.first, decodeBlock('Order-1', block));
          }
        }
        const blocks = [...stored.values()].toSorted((one, other) => one.first - other.first);
        for (const [index, { first }] of blocks.entries()) {
          assert.equal(
            first,
            blocks.slice(0, index).reduce((sum, block) => sum + block.positions.length, 0),
          );
        }
        assert.deepEqual(
          blocks.flatMap((block) => block.positions),
          positions,
        );
        assert.deepEqual(
          blocks.flatMap((block) => block.idHashes),
          idHashes,
        );
      }),
      { numRuns: 300 },
    );
  });

  it('are found out when a bit of them, their number or their stream is another one', () => {
    const [block] = extendBlock('Order-1', undefined, { positions: [3, 70_000, 70_001], idHashes: [1, 2, 3] });
    assert.ok(block);
    for (let bit = 0; bit < block.bytes.length * 8; bit += 1) {
      const bytes = Uint8Array.from(block.bytes);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      assert.throws(() => decodeBlock('Order-1', { first: 0, bytes }), IndexDamaged);
    }
    assert.throws(() => decodeBlock('Order-1', { ...block, first: 1 }), IndexDamaged);
    assert.throws(() => decodeBlock('Order-2', block), IndexDamaged);
    assert.throws(() => decodeBlock('Order-1', { first: 0, bytes: block.bytes.subarray(0, 5) }), IndexDamaged);
  });
});
