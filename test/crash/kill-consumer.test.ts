import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { size } from '../size.ts';
import { killConsumer } from './kill-consumer.ts';
import { explain } from './support/outcome.ts';
import { newSeed } from './support/random.ts';

describe('R13: kill -9 of a consumer at six points', () => {
  it('every effect happens, in order, and once for its key', async () => {
    const outcome = await killConsumer({ cycles: size(200), seed: newSeed() });
    assert.equal(outcome.broken.length, 0, explain(outcome));
    assert.ok((outcome.counts['effects'] ?? 0) > 0, 'nothing was done');
  });

  it('a consumer that writes its checkpoint before its effect is found out', async () => {
    const { broken } = await killConsumer({
      cycles: 60,
      seed: newSeed(),
      mutant: 'checkpoint-first',
      stopAtFirst: true,
    });
    assert.ok(broken.some(({ kind }) => kind === 'lost'));
  });
});
