import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { StoreUnavailable } from 'daybook';
import { consumer, readCheckpoint, type Consumer, type ConsumerRun } from 'daybook/consumer';

import { placed, placeOf, World } from './support/world.ts';

function each(handled: string[]): Consumer {
  return consumer('Each', { from: placed, startAt: 'beginning', handle: (event) => void handled.push(placeOf(event)) });
}

/** Another process on the same store and clock. */
function another(world: World): World {
  const other = new World();
  Object.defineProperty(other, 'clock', { value: world.clock });
  Object.defineProperty(other, 'store', { value: world.memory });
  return other;
}

describe('R19: the lease of a consumer', () => {
  it('lets one instance be active; the other stands by, and takes over at once when the first one stops', async () => {
    await using world = new World();
    const [one, two]: [string[], string[]] = [[], []];
    const first = await world.run(each(one));
    await using other = another(world);
    const second = await other.run(each(two));
    await world.place('a');
    await world.clock.advance(120_000);
    assert.deepEqual([first.state, second.state], ['live', 'standing-by']);
    await world.stop(first);
    await world.clock.advance(10_000);
    await world.place('b');
    assert.deepEqual([one, two], [['0@Customer-a'], ['0@Customer-b']]);
    assert.equal(second.state, 'live');
  });

  it('passes on when its holder is gone, after as long as it lasts', async () => {
    await using world = new World();
    const [one, two]: [string[], string[]] = [[], []];
    await world.run(each(one), { leaseMs: 15_000 });
    await using other = another(world);
    const second: ConsumerRun = await other.run(each(two), { leaseMs: 15_000 });
    await world.clock.advance(20_000);
    world.breakStore(new StoreUnavailable('cut off'));
    await world.place('a');
    await world.clock.advance(9_000);
    assert.equal(second.state, 'standing-by');
    await world.clock.advance(15_000);
    assert.deepEqual(two, ['0@Customer-a']);
  });

  it('whoever was stopped for longer than it lasts begins nothing, writes no checkpoint, and stands by', async () => {
    await using world = new World();
    const [one, two]: [string[], string[]] = [[], []];
    const { promise, resolve } = Promise.withResolvers<void>();
    const sleeping = consumer('Each', {
      from: placed,
      startAt: 'beginning',
      handle: async (event) => {
        one.push(placeOf(event));
        await promise;
      },
    });
    const first = await world.run(sleeping);
    await using other = another(world);
    const second = await other.run(each(two));
    await world.place('a', 'b');
    // Its process sleeps: neither its handler nor its renewals go on, and then all of them at once.
    world.breakStore(new StoreUnavailable('asleep'));
    await world.clock.advance(40_000);
    assert.deepEqual(two, ['0@Customer-a', '0@Customer-b']);
    const place = { source: placed, consumer: 'Each' };
    const before = await readCheckpoint(world.memory, place);
    assert.deepEqual([before?.pos, before?.token], [1n, 2]);
    world.breakStore();
    resolve();
    await world.clock.advance(60_000);
    assert.deepEqual(one, ['0@Customer-a'], 'it began something after it had lost its lease');
    const after = await readCheckpoint(world.memory, place);
    assert.deepEqual([after?.revision, after?.token], [before?.revision, 2]);
    assert.deepEqual([first.state, second.state], ['standing-by', 'live']);
  });

  for (const [what, jumpMs] of [
    ['a day back', -86_400_000],
    ['ten years on', 315_360_000_000],
  ] as const) {
    it(`does not care when somebody turns the clock ${what}`, async () => {
      await using world = new World();
      const handled: string[] = [];
      const first = await world.run(each(handled));
      await using other = another(world);
      const second = await other.run(each(handled));
      await world.place('a');
      await world.clock.advance(7_000);
      world.clock.jump(jumpMs);
      await world.place('b');
      await world.clock.advance(120_000);
      assert.deepEqual([first.state, second.state], ['live', 'standing-by']);
      assert.deepEqual(handled, ['0@Customer-a', '0@Customer-b']);
    });
  }
});
