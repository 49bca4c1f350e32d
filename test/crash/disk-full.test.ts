import assert from 'node:assert/strict';
import { it } from 'node:test';

import { fillDisk } from './disk-full.ts';
import { describeWatched } from './support/disk-shim.ts';
import { explain } from './support/outcome.ts';
import { newSeed } from './support/random.ts';

describeWatched('R5: a full disk', () => {
  it('refuses appends, gives all events, and takes appends again when there is space', async () => {
    const outcome = await fillDisk({ cycles: 1, seed: newSeed() });
    assert.equal(outcome.broken.length, 0, explain(outcome));
  });
});
