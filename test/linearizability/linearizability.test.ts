import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { streamName, type EventStore } from 'daybook';
import { openMemoryStore } from 'daybook/memory';

import { adapters } from '../model/adapters.ts';
import { alteredStore } from '../model/mutants/altered-store.ts';
import { size } from '../size.ts';
import { byStream } from './history.ts';
import { contradictions } from './log-witness.ts';
import { concurrencyMutants } from './mutants.ts';
import { againWith, seededRandom, seedOfRun } from './random.ts';
import { isLinearizable } from './wgl.ts';
import { record } from './workload.ts';

/** How many operations on each adapter. */
const operations = size(20_000);
/** A mutant is found in far fewer. */
const operationsOfMutant = 4_000;
const seed = seedOfRun();

/** What is wrong with what six workers saw of a store, by the search and by the log. */
async function judge(store: EventStore, count: number): Promise<{ search: number; log: number; overlaps: number }> {
  const prefix = `Lin${process.pid}x${Date.now()}x${Math.trunc(performance.now() * 1_000)}`;
  const history = await record(store, { operations: count, workers: 6, random: seededRandom(seed), prefix });
  let [search, log, overlaps] = [0, 0, 0];
  for (const [stream, ofStream] of byStream(history)) {
    const ids = (await Array.fromAsync(store.readStream(streamName(stream)))).map(({ id }) => id);
    if (!isLinearizable(ofStream)) search += 1;
    log += contradictions(ofStream, ids).length;
    let end = 0;
    for (const { invokedAt, returnedAt } of ofStream.toSorted((left, right) => left.invokedAt - right.invokedAt)) {
      if (invokedAt < end) overlaps += 1;
      if (returnedAt < Infinity) end = Math.max(end, returnedAt);
    }
  }
  return { search, log, overlaps };
}

describe('R10: linearizability', () => {
  for (const { name, open } of adapters) {
    it(`${name}: what six workers see at once fits one order, by a search and by the log`, async (t) => {
      t.diagnostic(againWith(import.meta.url, seed));
      await using opened = await open({ nowMs: Date.now() });
      const { search, log, overlaps } = await judge(opened.store, operations);
      t.diagnostic(`${overlaps} operations overlapped`);
      assert.deepEqual([search, log], [0, 0]);
      assert.ok(overlaps > operations / 4, `only ${overlaps} overlapped: nothing was tested`);
    });
  }

  for (const { name, alter } of concurrencyMutants) {
    it(`both checkers find that ${name}`, async (t) => {
      t.diagnostic(againWith(import.meta.url, seed));
      await using correct = openMemoryStore();
      const { search, log } = await judge(alteredStore(correct, alter(correct)), operationsOfMutant);
      assert.ok(search > 0 && log > 0, `the search found ${search} streams, the log ${log} contradictions`);
    });
  }
});
