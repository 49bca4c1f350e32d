import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { attack } from './hostile-network.ts';
import { explain } from './support/outcome.ts';
import { newSeed } from './support/random.ts';

describe('R16: a hostile network', () => {
  it('is answered or cut off, keeps nobody else from being served, and leaves nothing behind', async () => {
    const outcome = await attack({ cycles: 1, seed: newSeed() });
    assert.equal(outcome.broken.length, 0, explain(outcome));
  });

  it('a server that waits for ever for what a client speaks is found out', async () => {
    const outcome = await attack({ cycles: 1, seed: newSeed(), mutant: 'no-deadlines' });
    assert.ok(
      outcome.broken.some(({ kind }) => kind === 'answer'),
      explain(outcome),
    );
  });
});
