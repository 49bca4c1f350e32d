import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { size } from '../size.ts';
import { simulate } from './simulation.ts';

/** Seeds: a thousand in CI. `SEED=17` runs that one. */
const seeds =
  process.env['SEED'] === undefined
    ? Array.from({ length: size(500, { parts: 10 }) }, (_, i) => i + 1)
    : [Number(process.env['SEED'])];

describe('R22: read models on a simulated clock', () => {
  it('R22: whatever happens, the tables are the fold of the log, one instance writes, and silence is noticed', async () => {
    for (const seed of seeds) {
      const { problems } = await simulate(seed);
      assert.deepEqual(problems, [], `Again with: SEED=${seed} node --test test/read-model/simulation.test.ts`);
    }
  });

  it('R22: the same seed is the same run', async () => {
    const [one, other] = [await simulate(4), await simulate(4)];
    assert.deepEqual(one, other);
    assert.ok(one.commits.length > 50);
  });
});
