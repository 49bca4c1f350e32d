import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { size } from '../size.ts';
import { databaseKindsOfLongTests } from './databases.ts';
import { killReadModel } from './kill-read-model.ts';
import { seeded } from './random.ts';

/** At each of six points. */
const wanted = size(12, { parts: 2 });

for (const kind of databaseKindsOfLongTests()) {
  describe(`a read model that is killed on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('R13 has counted every event once, wherever it was killed', async (t) => {
      const seed = Number(process.env['DAYBOOK_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
      t.diagnostic(`DAYBOOK_SEED=${seed}`);
      const { kills, wrong } = await killReadModel(kind, { kills: wanted, random: seeded(seed) });
      assert.deepEqual(wrong, [], `seed ${seed}`);
      assert.ok(kills >= wanted - 2, `${kills} kills`); // One that gets to the end first is not killed.
    });
  });
}
