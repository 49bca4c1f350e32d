import assert from 'node:assert/strict';
import { it } from 'node:test';

import { describeWithWrongClocks } from './support/faketime.ts';
import { explain } from './support/outcome.ts';
import { newSeed } from './support/random.ts';
import { runWithWrongClocks } from './wrong-clocks.ts';

describeWithWrongClocks('R19: two consumers with wrong clocks', () => {
  it('R19: each event has its effect, in order, and whoever lost the lease writes no checkpoint', async () => {
    const outcome = await runWithWrongClocks({ cycles: 1, seed: newSeed() });
    assert.equal(outcome.broken.length, 0, explain(outcome));
  });

  it('R19: a lease without a fence is found out', async () => {
    const run = { cycles: 1, seed: newSeed(), mutant: 'no-fence', stopAtFirst: true };
    const outcome = await runWithWrongClocks(run);
    assert.ok(
      outcome.broken.some(({ problem }) => /stale instance|went back/.test(problem)),
      explain(outcome),
    );
  });
});
