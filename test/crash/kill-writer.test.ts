import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { size } from '../size.ts';
import { killWriter } from './kill-writer.ts';
import { explain } from './support/outcome.ts';
import { newSeed } from './support/random.ts';

describe('R1: kill -9 while a store is appended to', () => {
  it('what was acknowledged is there, whole and in order, after a writer was killed', async () => {
    const outcome = await killWriter({ cycles: size(300), seed: newSeed() });
    assert.equal(outcome.broken.length, 0, explain(outcome));
    assert.ok((outcome.counts['acks'] ?? 0) > 0, 'nothing was acknowledged');
  });

  it('and after four processes that append to one file were killed', async () => {
    const outcome = await killWriter({ cycles: size(50), seed: newSeed(), writers: 4 });
    assert.equal(outcome.broken.length, 0, explain(outcome));
    assert.ok((outcome.counts['acks'] ?? 0) > 0, 'nothing was acknowledged');
  });

  it('a store that commits an append in two transactions is found out', async () => {
    const run = { cycles: 50, seed: newSeed(), mutant: 'two-transactions', stopAtFirst: true };
    const outcome = await killWriter(run);
    assert.ok(
      outcome.broken.some(({ kind }) => kind === 'partial'),
      explain(outcome),
    );
  });
});
