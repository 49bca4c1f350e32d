import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { idle } from './idle-subscriptions.ts';
import { explain } from './support/outcome.ts';
import { newSeed } from './support/random.ts';

describe('R17: ten thousand subscriptions that wait', () => {
  it('cost little, and one event reaches all of them within a second', async () => {
    const outcome = await idle({ cycles: process.env['CI'] === 'true' ? 2 : 1, seed: newSeed() });
    assert.equal(outcome.broken.length, 0, explain(outcome));
  });

  it('a store whose subscriptions hold memory is found out', async () => {
    const outcome = await idle({ cycles: 1, seed: newSeed(), mutant: 'hold-memory' });
    assert.ok(
      outcome.broken.some(({ kind }) => kind === 'costly'),
      explain(outcome),
    );
  });
});
