import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { size } from '../size.ts';
import { effectKillPoints, killEffects } from './kill-effects.ts';
import { explain } from './support/outcome.ts';
import { newSeed } from './support/random.ts';

describe('B9: kill -9 between an effect and the ledger that remembers it', () => {
  it('B9: at least once is done again, at most once is not, and each kill is accounted for', async () => {
    const cycles = size(60);
    const outcome = await killEffects({ cycles, seed: newSeed() });
    const { broken, counts } = outcome;
    assert.equal(broken.length, 0, explain(outcome));
    assert.equal(counts['kills'], cycles, 'some were not killed');
    for (const point of effectKillPoints) assert.ok((counts[point] ?? 0) > 0, `none was killed at ${point}`);
  });

  for (const [mutant, kind] of [
    ['no-ledger', 'repeated'],
    ['swapped', 'lost'],
  ] as const) {
    it(`an effect that takes the ledger wrong is found out: ${mutant}`, async () => {
      const outcome = await killEffects({ cycles: 20, seed: newSeed(), mutant, stopAtFirst: true });
      assert.ok(
        outcome.broken.some((each) => each.kind === kind),
        explain(outcome),
      );
    });
  }
});
