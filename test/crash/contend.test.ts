import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { size } from '../size.ts';
import { contend } from './contend.ts';
import { explain } from './support/outcome.ts';
import { newSeed } from './support/random.ts';

describe('R10: processes that append to the same streams, and are killed', () => {
  it('agree on one order, in which every answer was true', async () => {
    const outcome = await contend({ cycles: size(25), seed: newSeed() });
    assert.equal(outcome.broken.length, 0, explain(outcome));
    assert.ok((outcome.counts['refused'] ?? 0) > 0, 'nobody was in the way of another');
  });

  it('a store that does not look at what is expected is found out', async () => {
    const outcome = await contend({ cycles: 10, seed: newSeed(), mutant: 'lost-update', stopAtFirst: true });
    assert.ok(
      outcome.broken.some(({ kind }) => kind === 'answer'),
      explain(outcome),
    );
  });
});
