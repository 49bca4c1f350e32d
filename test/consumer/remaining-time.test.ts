import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { consumer, readStatus } from 'daybook/consumer';

import { placed, World } from './support/world.ts';

describe('the time that a consumer says it still needs', () => {
  it('is right at a steady rate, and follows when the rate changes', async () => {
    await using world = new World();
    const { clock, store } = world;
    let eachMs = 100;
    const steady = consumer('Steady', {
      from: placed,
      startAt: 'beginning',
      handle: () => clock.sleep(eachMs),
    });
    await world.place(...Array.from({ length: 1_200 }, (_, i) => i % 5));
    await world.run(steady);
    const error = async (): Promise<number> => {
      const { etaMs = 0, sources: [source] = [] } = (await readStatus(store, 'Steady')) ?? {};
      const trueMs = (source?.lagEvents ?? 0) * eachMs;
      return Math.abs(etaMs - trueMs) / trueMs;
    };
    await clock.advance(30_500);
    assert.ok((await error()) < 0.05, `${await error()} off`);
    eachMs = 200;
    await clock.advance(70_000);
    assert.ok((await error()) < 0.15, `${await error()} off`);
  });
});
