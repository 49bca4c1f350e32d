import assert from 'node:assert/strict';
import { it } from 'node:test';

import { delaySyncs } from './event-loop.ts';
import { describeWatched } from './support/disk-shim.ts';
import { explain } from './support/outcome.ts';
import { newSeed } from './support/random.ts';

describeWatched('a slow sync', () => {
  it('does not stop the event loop, of a store or of a server', async () => {
    const outcome = await delaySyncs({ cycles: 1, seed: newSeed() });
    assert.equal(outcome.broken.length, 0, explain(outcome));
  });

  it('stops the event loop where a store syncs on its thread, and that is found out', async () => {
    const { broken } = await delaySyncs({ cycles: 1, seed: newSeed(), mutant: 'blocking' });
    assert.equal(broken.filter(({ kind }) => kind === 'slow').length, 4); // Of the store and of the server.
  });
});
