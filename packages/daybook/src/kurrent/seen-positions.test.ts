import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { SeenPositions } from './seen-positions.ts';

describe('what was seen of a log', () => {
  it('tells a repeat from what is new', () => {
    const seen = new SeenPositions();
    seen.note(7n);
    const before = seen.highest;
    assert.equal(seen.isRepeat(8n, before), false);
    assert.equal(seen.isRepeat(7n, before), true);
    assert.equal(seen.isRepeat(3n, before), true);
  });

  it('tells it for appends that are on their way together, whichever is answered first', () => {
    const seen = new SeenPositions();
    const before = seen.highest;
    assert.equal(seen.isRepeat(10n, before), false);
    assert.equal(seen.isRepeat(9n, before), false);
    assert.equal(seen.isRepeat(10n, before), true);
  });

  it('remembers a bounded number of answers', () => {
    const seen = new SeenPositions();
    for (let position = 1n; position <= 20_000n; position++) assert.equal(seen.isRepeat(position, 0n), false);
    assert.equal(seen.isRepeat(20_000n, 0n), true);
    assert.equal(seen.isRepeat(1n, 0n), false); // Forgotten. An append is not on its way for so long.
    assert.equal(seen.isRepeat(1n, seen.highest), true);
  });
});
