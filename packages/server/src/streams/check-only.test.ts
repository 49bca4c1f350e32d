import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { jsonEvent, revision, streamName, type StreamName } from 'daybook';
import { openMemoryStore, type MemoryStore } from 'daybook/memory';

import { checkOnly } from './check-only.ts';

async function deleted(store: MemoryStore): Promise<StreamName> {
  const stream = streamName('Order-1');
  await store.append(stream, [jsonEvent({ type: 'A', data: {} }), jsonEvent({ type: 'B', data: {} })], {
    expected: 'no-stream',
  });
  await store.deleteStream(stream, { expected: 'any' });
  return stream;
}

describe('an append without events', () => {
  // Where many do the same at the same moment, it exists for all but the first.
  for (const [expected, writers] of [
    ['any', 8],
    [revision(1), 8],
    ['no-stream', 1],
  ] as const) {
    it(`brings a deleted stream back, empty, when ${expected} is expected of it`, async () => {
      await using store = openMemoryStore();
      const stream = await deleted(store);
      const answers = await Promise.all(Array.from({ length: writers }, () => checkOnly(store, { stream, expected })));
      assert.deepEqual(new Set(answers.map((answer) => answer.revision)), new Set([1n]));
      const { status, revision: last, metadata } = await store.streamState(stream);
      assert.deepEqual([status, last, metadata.truncateBefore], ['exists', 1n, 2n]);
      assert.deepEqual(await Array.fromAsync(store.readStream(stream)), []);
      const next = await store.append(stream, [jsonEvent({ type: 'C', data: {} })], { expected: revision(1) });
      assert.equal(next.revision, 2n);
    });
  }

  it('leaves a deleted stream as it is when it is not where the writer expects it', async () => {
    await using store = openMemoryStore();
    const stream = await deleted(store);
    await assert.rejects(checkOnly(store, { stream, expected: revision(7) }), { code: 'wrong-expected-revision' });
    await assert.rejects(checkOnly(store, { stream, expected: 'stream-exists' }), { code: 'stream-deleted' });
    assert.equal((await store.streamState(stream)).status, 'deleted');
  });
});
