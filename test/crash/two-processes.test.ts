import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { size } from '../size.ts';
import { explain } from './support/outcome.ts';
import { newSeed } from './support/random.ts';
import { runTwoProcesses } from './two-processes.ts';

describe('two processes on one file', () => {
  it('see the events of each other at once, in the order of the log, and lose none', async () => {
    const outcome = await runTwoProcesses({ cycles: size(200), seed: newSeed() });
    assert.equal(outcome.broken.length, 0, explain(outcome));
  });
});
