import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import type { NewEvent } from '../store/event.ts';
import { setStreamMetadata } from '../store/stream-metadata.ts';
import { streamName, type StreamName } from '../store/stream-name.ts';
import { openSqliteStore } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-scavenge-'));

function event(): NewEvent {
  return { id: crypto.randomUUID(), type: 'Placed', data: Buffer.from('{}'), contentType: 'application/json' };
}

describe('a scavenge', () => {
  after(() => rmSync(folder, { recursive: true }));

  it('leaves a log that is sealed, whatever is appended in the same transactions', async () => {
    await using store = await openSqliteStore(join(folder, 'x.db'));
    const hidden = streamName('Hidden-1');
    const busy = streamName('Busy-1');
    for (let append = 0; append < 6; append += 1) {
      await store.append(hidden, Array.from({ length: 512 }, event), { expected: 'any' });
    }
    await setStreamMetadata(store, hidden, { metadata: { maxCount: 1, custom: {} }, expected: 'any' });

    const appends: Promise<unknown>[] = [];
    let freed = 0n;
    const done = new AbortController();
    const scavenging = (async () => {
      for await (const { eventsFreed } of store.scavenge()) freed = eventsFreed;
      done.abort();
    })();
    while (!done.signal.aborted) {
      appends.push(store.append(busy, Array.from({ length: 3 }, event), { expected: 'any' }));
      await new Promise((turn) => setImmediate(turn));
    }
    await scavenging;
    await Promise.all(appends);
    assert.ok(freed > 2_000n, 'something was freed');
    await store.append(busy, Array.from({ length: 2_048 }, event), { expected: 'any' });
    const problems: string[] = [];
    for await (const { findings } of store.verify()) problems.push(...findings.map(({ problem }) => problem));
    assert.deepEqual(problems, []);
  });

  it('frees space that later appends use, so that the file does not grow', async () => {
    const path = join(folder, 'space.db');
    const [old, young] = [streamName('Old-1'), streamName('Young-1')];
    const fill = async (stream: StreamName): Promise<void> => {
      await using store = await openSqliteStore(path);
      for (let append = 0; append < 20; append += 1) {
        const events = Array.from({ length: 100 }, () => ({ ...event(), data: Buffer.alloc(3_000, 'x') }));
        await store.append(stream, events, { expected: 'any' });
      }
    };
    await fill(old);
    const before = statSync(path).size;
    assert.ok(before > 5_000_000);
    {
      await using store = await openSqliteStore(path);
      await store.deleteStream(old, { expected: 'any' });
      await Array.fromAsync(store.scavenge());
    }
    await fill(young);
    const grownBytes = statSync(path).size - before;
    assert.ok(grownBytes < before / 10, `it has grown by ${grownBytes} bytes, from ${before}`);
  });
});
