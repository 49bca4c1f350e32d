import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { size } from '../size.ts';
import { simulate, type Mutant } from './support/simulation.ts';

/** Seeds: a thousand in CI. `SEED=17` runs that one. */
const seeds =
  process.env['SEED'] === undefined
    ? Array.from({ length: size(500, { parts: 10 }) }, (_, i) => i + 1)
    : [Number(process.env['SEED'])];

const mutants: readonly Mutant[] = ['swallow', 'checkpoint-first', 'no-fence', 'impatient'];

describe('R22: consumers and leases on a simulated clock', () => {
  it('R22: whatever happens, every event is handled, in order, and no stale instance moves a checkpoint', async () => {
    for (const seed of seeds) {
      const problems = await simulate(seed);
      assert.deepEqual(problems, [], `Again with: SEED=${seed} node --test test/consumer/simulation.test.ts`);
    }
  });

  it('R22: the same seed is the same run', async () => {
    assert.deepEqual(await simulate(7, 'swallow'), await simulate(7, 'swallow'));
  });

  for (const mutant of mutants) {
    it(`R22: the mistake "${mutant}" is found`, async () => {
      for (let seed = 1; seed <= 100; seed += 1) if ((await simulate(seed, mutant)).length > 0) return;
      assert.fail(`${mutant} was not found in 100 seeds`);
    });
  }
});
