import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import type { NewEvent } from '../store/event.ts';
import { streamName } from '../store/stream-name.ts';
import { IndexRunner } from './index-runner.ts';
import { openSqliteStore } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-index-runner-'));
const path = join(folder, 'x.db');
/** What is worth a run. */
const run = 16_384;

function event(): NewEvent {
  return { id: crypto.randomUUID(), type: 'Placed', data: Buffer.from('{}') };
}

describe('the index thread', () => {
  before(async () => {
    await using store = await openSqliteStore(path);
    for (let left = 3 * run; left > 0; left -= run / 8) {
      await store.append(streamName('Order-1'), Array.from({ length: run / 8 }, event), { expected: 'any' });
    }
  });
  after(() => rmSync(folder, { recursive: true }));

  it('takes what comes soon after a run in one run, without being asked again', async () => {
    const found: number[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const onIndexed = ({ indexed }: { readonly indexed: number }): void => {
      found.push(indexed);
      if (indexed === 3 * run) resolve();
    };
    await using runner = new IndexRunner({
      logPath: path,
      indexPath: join(folder, 'other-index'),
      busyTimeoutMs: 5_000,
      onIndexed,
      onCheckpointed: () => {},
    });
    const alive = setInterval(() => {}, 1_000); // What waits for its time does not keep a process alive.
    for (const to of [1, run - 1, run, 2 * run, 3 * run]) runner.advance(to);
    await promise;
    clearInterval(alive);
    assert.deepEqual(found, [run, 3 * run]);
  });

  it('takes the rest before it ends', async () => {
    const found: number[] = [];
    const runner = new IndexRunner({
      logPath: path,
      indexPath: join(folder, 'third-index'),
      busyTimeoutMs: 5_000,
      onIndexed: ({ indexed }) => found.push(indexed),
      onCheckpointed: () => {},
    });
    runner.advance(run);
    await runner.end(3 * run);
    assert.deepEqual(found, [run, 3 * run]);
  });
});
