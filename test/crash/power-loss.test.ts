import assert from 'node:assert/strict';
import { it } from 'node:test';

import { size } from '../size.ts';
import { losePower } from './power-loss.ts';
import { describeWatched } from './support/disk-shim.ts';
import { explain } from './support/outcome.ts';
import { newSeed } from './support/random.ts';

describeWatched('R3: power loss', () => {
  it('what was acknowledged is there, whole and in order, after the power failed at any moment', async () => {
    const outcome = await losePower({ cycles: size(2_000), seed: newSeed() });
    assert.equal(outcome.broken.length, 0, explain(outcome));
  });

  it('a disk that says it synced, and did not, is found out', async () => {
    const outcome = await losePower({ cycles: 300, seed: newSeed(), mutant: 'no-sync', stopAtFirst: true });
    assert.ok(
      outcome.broken.some(({ kind }) => kind === 'lost'),
      explain(outcome),
    );
  });

  for (const only of ['scavenge', 'backup', 'restore']) {
    it(`and one that begins to say so when a ${only} begins is found out by that`, async () => {
      const outcome = await losePower({ cycles: 600, seed: newSeed(), mutant: 'no-sync', stopAtFirst: true, only });
      assert.ok(outcome.broken.length > 0, explain(outcome));
    });
  }
});
