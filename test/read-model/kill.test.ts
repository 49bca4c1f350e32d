import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { databaseKinds } from './databases.ts';
import { killReadModel } from './kill-read-model.ts';
import { seeded } from './random.ts';

for (const kind of databaseKinds()) {
  describe(`a read model that is killed on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('R13 has counted every event once, wherever it was killed', async (t) => {
      const seed = Number(process.env['DAYBOOK_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
      t.diagnostic(`DAYBOOK_SEED=${seed}`);
      const { kills, wrong } = await killReadModel(kind, { kills: 12, random: seeded(seed) });
      assert.deepEqual(wrong, [], `seed ${seed}`);
      assert.ok(kills >= 10, `${kills} kills`);
    });
  });
}
