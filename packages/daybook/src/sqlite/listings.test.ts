import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import type { EventStore } from '../store/event-store.ts';
import type { NewEvent } from '../store/event.ts';
import { streamName } from '../store/stream-name.ts';
import { openSqliteStore } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-listings-'));
const path = join(folder, 'x.db');
/** The third has the highest bytes in UTF-8, the second in UTF-16. */
const names = ['Order-a', 'Order-\ufb01', 'Order-\u{1f600}'].map((name) => streamName(name));

function event(): NewEvent {
  return { id: crypto.randomUUID(), type: 'Placed', data: Buffer.from('{}') };
}

async function listed(store: EventStore): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { stream } of store.listStreams({ prefix: 'Order-' })) found.push(stream);
  return found;
}

describe('a list of streams', () => {
  after(() => rmSync(folder, { recursive: true }));

  it('is in the order of bytes, whether they are indexed or not', async () => {
    {
      await using store = await openSqliteStore(path);
      for (const name of names.toReversed()) await store.append(name, [event()], { expected: 'no-stream' });
      assert.deepEqual(await listed(store), names);
      // So many that the index takes them over when the store is closed.
      await store.append(streamName('Other-1'), Array.from({ length: 3_000 }, event), { expected: 'no-stream' });
    }
    await using store = await openSqliteStore(path);
    assert.deepEqual(await listed(store), names);
  });
});
