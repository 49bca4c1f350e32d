import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { databaseKinds } from '../read-model/databases.ts';
import { killReadModel } from '../read-model/kill-read-model.ts';
import { seeded } from '../read-model/random.ts';
import { size } from '../size.ts';
import { newSeed } from './support/random.ts';

describe('R13: kill -9 of a read model', () => {
  for (const kind of databaseKinds()) {
    after(() => kind[Symbol.asyncDispose]());

    it(`every event is counted once on ${kind.name}`, { skip: kind.skip }, async (t) => {
      const seed = newSeed();
      t.diagnostic(`seed ${seed}`);
      const wanted = size(100);
      const { kills, wrong } = await killReadModel(kind, { kills: wanted, random: seeded(seed) });
      assert.deepEqual(wrong, [], `seed ${seed}`);
      assert.ok(kills >= wanted * 0.9, `${kills} kills`); // One that gets to the end first is not killed.
    });
  }
});
