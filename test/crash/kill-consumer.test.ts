import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { size } from '../size.ts';
import { killConsumer, killPoints } from './kill-consumer.ts';
import { explain } from './support/outcome.ts';
import { newSeed } from './support/random.ts';

describe('R13: kill -9 of a consumer at six points', () => {
  it('every effect happens, in order, and once for its key', async () => {
    const cycles = size(200);
    const outcome = await killConsumer({ cycles, seed: newSeed() });
    const { broken, counts } = outcome;
    assert.equal(broken.length, 0, explain(outcome));
    assert.equal(counts['kills'], cycles, 'some were not killed');
    for (const point of killPoints) {
      const kills = counts[point] ?? 0;
      assert.ok(kills >= Math.floor(cycles / killPoints.length), `${kills} were killed at ${point}`);
    }
  });

  it('a consumer that writes its checkpoint before its effect is found out', async () => {
    const run = { cycles: 60, seed: newSeed(), mutant: 'checkpoint-first', stopAtFirst: true };
    const outcome = await killConsumer(run);
    assert.ok(
      outcome.broken.some(({ kind }) => kind === 'lost'),
      explain(outcome),
    );
  });
});
