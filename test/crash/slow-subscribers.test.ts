import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { size } from '../size.ts';
import { ignoreSubscriptions } from './slow-subscribers.ts';
import { explain } from './support/outcome.ts';
import { newSeed } from './support/random.ts';

describe('R15: subscribers that do not read', () => {
  it('cost bounded memory, and keep no event from those that do', async () => {
    const outcome = await ignoreSubscriptions({ cycles: size(100), seed: newSeed() });
    assert.equal(outcome.broken.length, 0, explain(outcome));
    assert.equal(outcome.counts['calls'], outcome.run.cycles + 1, 'a client is not subscribed any more');
  });

  it('a server that does not wait for them is found out', async () => {
    const outcome = await ignoreSubscriptions({ cycles: 40, seed: newSeed(), mutant: 'ignore-drain' });
    assert.ok(
      outcome.broken.some(({ kind }) => kind === 'costly'),
      explain(outcome),
    );
  });
});
