import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { openMemoryStore } from '../memory/index.ts';
import { streamName } from '../store/stream-name.ts';
import { inLine, isLineAt } from './line.ts';

const [one, two] = [streamName('A-1'), streamName('A-2')];

describe('a line at a stream', () => {
  it('lets each do its work when those before are done, whatever became of them', async () => {
    await using store = openMemoryStore();
    const done: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = inLine(store, one, async () => {
      await gate.promise;
      done.push('first');
      throw new Error('it failed');
    });
    const second = inLine(store, one, async () => done.push('second'));
    const elsewhere = inLine(store, two, async () => done.push('elsewhere'));
    await elsewhere;
    assert.deepEqual(done, ['elsewhere']);
    gate.resolve();
    await assert.rejects(first, /it failed/);
    await second;
    assert.deepEqual(done, ['elsewhere', 'first', 'second']);
  });

  it('is there while somebody stands in it, and no longer, for that stream of that store only', async () => {
    await using store = openMemoryStore();
    await using other = openMemoryStore();
    const gate = Promise.withResolvers<void>();
    const waiting = inLine(store, one, () => gate.promise);
    assert.deepEqual([isLineAt(store, one), isLineAt(store, two), isLineAt(other, one)], [true, false, false]);
    gate.resolve();
    await waiting;
    assert.equal(isLineAt(store, one), false);
  });
});
