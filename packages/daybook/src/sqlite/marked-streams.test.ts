import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import { categoryStream } from '../store/derived-stream.ts';
import type { NewEvent } from '../store/event.ts';
import { setStreamMetadata } from '../store/stream-metadata.ts';
import { streamName } from '../store/stream-name.ts';
import { IndexConnection } from './index-connection.ts';
import { openSqliteStore, type SqliteStore } from './index.ts';
import { noTombstones } from './marked-streams.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-marked-'));
const [kept, truncated, tombstoned] = [streamName('Order-1'), streamName('Order-2'), streamName('Order-3')];

function events(count: number): readonly NewEvent[] {
  return Array.from({ length: count }, () => ({
    id: crypto.randomUUID(),
    type: 'Placed',
    data: Buffer.from('{}'),
    contentType: 'application/json',
  }));
}

async function orders(store: SqliteStore): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { stream, revision } of store.readStream(categoryStream('Order'))) {
    found.push(`${revision}@${stream}`);
  }
  return found;
}

function tombstonesIn(path: string): string | undefined {
  using index = new IndexConnection(`${path}-index`, { busyTimeoutMs: 1_000 });
  assert.ok(index.indexed() > 0, 'there is something in the index');
  return index.meta().get('tombstones');
}

describe('streams with metadata or a tombstone', () => {
  const path = join(folder, 'x.db');
  const filler = streamName('Filler-1');
  after(() => rmSync(folder, { recursive: true }));

  it('are remembered by the index, and stay hidden in derived streams when the store is opened again', async () => {
    {
      await using store = await openSqliteStore(path);
      for (const stream of [kept, truncated, tombstoned]) await store.append(stream, events(2), { expected: 'any' });
      await setStreamMetadata(store, truncated, { metadata: { maxCount: 1, custom: {} }, expected: 'any' });
      await store.append(filler, events(4_000), { expected: 'any' });
    }
    assert.equal(tombstonesIn(path), noTombstones);
    {
      await using store = await openSqliteStore(path);
      assert.deepEqual(await orders(store), ['0@Order-1', '1@Order-1', '1@Order-2', '0@Order-3', '1@Order-3']);
      await store.tombstoneStream(tombstoned, { expected: 'any' });
      assert.deepEqual(await orders(store), ['0@Order-1', '1@Order-1', '1@Order-2']);
      await store.append(filler, events(4_000), { expected: 'any' });
    }
    assert.notEqual(tombstonesIn(path), noTombstones);
    await using store = await openSqliteStore(path);
    assert.deepEqual(await orders(store), ['0@Order-1', '1@Order-1', '1@Order-2']);
  });
});
