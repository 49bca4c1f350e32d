import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { size } from '../size.ts';
import { killServer } from './kill-server.ts';
import { explain } from './support/outcome.ts';
import { newSeed } from './support/random.ts';

describe('R2: kill -9 of the server under official clients', () => {
  it('what they send again is stored once, and nothing that was acknowledged is lost', async () => {
    const outcome = await killServer({ cycles: size(50), seed: newSeed() });
    assert.equal(outcome.broken.length, 0, explain(outcome));
    assert.ok((outcome.counts['unknown'] ?? 0) > 0, 'every outcome was known');
  });

  it('a server that does not look at ids is found out', async () => {
    const outcome = await killServer({ cycles: 20, seed: newSeed(), mutant: 'ignore-ids' });
    assert.ok(
      outcome.broken.some(({ kind }) => kind === 'repeated' || kind === 'answer'),
      explain(outcome),
    );
  });
});
