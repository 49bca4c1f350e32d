import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { openMemoryStore } from 'daybook/memory';

import { againWith, seededRandom, seedOfRun } from '../linearizability/random.ts';
import { adapters } from '../model/adapters.ts';
import { size } from '../size.ts';
import { lateVisibility } from './late-visibility.ts';
import { polls, reconnects, subscribes, tail, type TailingWorkload } from './tailing.ts';

/** How often each of the 16 writers appends. */
const appends = size(300, { parts: 2 });
const seed = seedOfRun();

function workload(): TailingWorkload {
  const prefix = `Tail${process.pid}x${Date.now()}x${Math.trunc(performance.now() * 1_000)}`;
  return { writers: 16, readers: 8, appends, random: seededRandom(seed), prefix };
}

describe('R11: readers at the end of the log', () => {
  for (const { name, open } of adapters) {
    it(`${name}: 8 readers behind 16 writers see each event once and in order`, async (t) => {
      t.diagnostic(againWith(import.meta.url, seed));
      await using opened = await open({ nowMs: Date.now() });
      const tailed = await tail(opened.store, workload(), [subscribes, reconnects, polls]);
      assert.deepEqual(tailed, { lost: 0, repeated: 0, outOfOrder: 0 });
    });
  }

  it('a store that shows a later event first is found', async (t) => {
    t.diagnostic(againWith(import.meta.url, seed));
    await using store = openMemoryStore();
    const tailed = await tail(lateVisibility(store, seededRandom(seed)), workload(), [polls]);
    assert.ok(tailed.lost > 0, 'nothing was lost');
  });
});
