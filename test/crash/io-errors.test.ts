import assert from 'node:assert/strict';
import { it } from 'node:test';

import { size } from '../size.ts';
import { failDisk } from './io-errors.ts';
import { describeWatched } from './support/disk-shim.ts';
import { explain } from './support/outcome.ts';
import { newSeed } from './support/random.ts';

describeWatched('R4: a disk that fails', () => {
  it('what a refused append says is true, whichever call failed, and nothing acknowledged is lost', async () => {
    const outcome = await failDisk({ cycles: size(200), seed: newSeed() });
    assert.equal(outcome.broken.length, 0, explain(outcome));
  });

  it('a store that acknowledges what it could not append is found out', async () => {
    const outcome = await failDisk({ cycles: 30, seed: newSeed(), mutant: 'ignore-errors' });
    assert.ok(
      outcome.broken.some(({ kind }) => kind === 'lost'),
      explain(outcome),
    );
  });
});
