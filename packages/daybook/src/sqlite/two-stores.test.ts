import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import { streamName } from '../store/stream-name.ts';
import { openSqliteStore } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-two-'));

describe('two stores on one file', () => {
  after(() => rmSync(folder, { recursive: true }));

  // The transaction of the second one has seen the event, and is not flushed yet.
  it('show what the other one acknowledged, also while an append of their own waits for the disk', async () => {
    const stream = streamName('Order-1');
    const data = Buffer.from('{}');
    await using first = await openSqliteStore(join(folder, 'x.db'));
    await using second = await openSqliteStore(join(folder, 'x.db'));
    await first.append(stream, [{ id: crypto.randomUUID(), type: 'Placed', data }], { expected: 'no-stream' });
    const other = [{ id: crypto.randomUUID(), type: 'Placed', data }];
    const appending = second.append(streamName('Order-2'), other, { expected: 'no-stream' });
    await turn();
    const { revision } = await second.streamState(stream);
    const found: bigint[] = [];
    for await (const event of second.readStream(stream)) found.push(event.revision);
    await appending;
    assert.deepEqual([revision, found], [0n, [0n]]);
  });
});
