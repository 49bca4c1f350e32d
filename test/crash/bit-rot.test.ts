import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { size } from '../size.ts';
import { rot } from './bit-rot.ts';
import { explain } from './support/outcome.ts';
import { newSeed } from './support/random.ts';

describe('R6: bit rot', () => {
  it('a damaged file is reported when it is opened, read or verified, and never read as if it were good', async () => {
    const outcome = await rot({ cycles: size(500), seed: newSeed() });
    assert.equal(outcome.broken.length, 0, explain(outcome));
  });

  it('a store without checksums is found out', async () => {
    const outcome = await rot({ cycles: 30, seed: newSeed(), mutant: 'no-checksums', stopAtFirst: true });
    assert.ok(
      outcome.broken.some(({ kind }) => kind === 'altered'),
      explain(outcome),
    );
  });
});
