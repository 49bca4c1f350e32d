import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { jsonData } from 'daybook';
import { consumer, effectStreamOf, type EffectDelivery, type OnceResult } from 'daybook/consumer';

import { placed, World } from './support/world.ts';

/** Runs a consumer whose effect is cut off after it happened, the first time. */
async function cutOff(
  delivery: EffectDelivery,
): Promise<{ readonly effects: number; readonly results: readonly OnceResult<number>[] }> {
  await using world = new World();
  let effects = 0;
  const results: OnceResult<number>[] = [];
  const mailing = consumer('Mailing', {
    from: placed,
    startAt: 'beginning',
    handle: async (event, { once }) => {
      const result = await once({ key: `mail/${event.id}`, delivery }, () => {
        effects += 1;
        if (effects === 1) throw new Error('The process ends before it can say that the mail was sent.');
        return effects;
      });
      results.push(result);
    },
  });
  await world.run(mailing);
  await world.place('a');
  await world.clock.advance(60_000);
  return { effects, results };
}

describe('an effect that is to happen once', () => {
  it('happens once for its key, and gives its first result ever after', async () => {
    await using world = new World();
    let mails = 0;
    const results: OnceResult<number>[] = [];
    const welcome = consumer('Welcome', {
      from: placed,
      startAt: 'beginning',
      handle: async (_, { once }) => {
        results.push(await once({ key: 'welcome/anybody' }, () => (mails += 1)));
      },
    });
    await world.run(welcome);
    await world.place('a', 'a', 'b');
    assert.equal(mails, 1);
    assert.deepEqual(
      results.map((result) => ({ ...result })),
      [
        { outcome: 'done', result: 1, isRepeat: false },
        { outcome: 'done', result: 1, isRepeat: true },
        { outcome: 'done', result: 1, isRepeat: true },
      ],
    );
    const ledger = await Array.fromAsync(world.memory.readStream(effectStreamOf('Welcome', 'welcome/anybody')));
    assert.deepEqual(
      ledger.map(({ type }) => type),
      ['EffectBegun', 'EffectDone'],
    );
    assert.equal((jsonData(ledger[1]!) as { key: string }).key, 'welcome/anybody');
  });

  it('cut off in the middle, is done again when it may happen twice', async () => {
    const { effects, results } = await cutOff('at-least-once');
    assert.equal(effects, 2);
    assert.deepEqual(results, [{ outcome: 'done', result: 2, isRepeat: false }]);
  });

  it('cut off in the middle, is not done again when it may happen only once, and that is said', async () => {
    const { effects, results } = await cutOff('at-most-once');
    assert.equal(effects, 1);
    assert.deepEqual(results, [{ outcome: 'unknown' }]);
  });
});
