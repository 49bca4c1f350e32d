import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { categoryStream } from '../store/derived-stream.ts';
import type { NewEvent, RecordedEvent } from '../store/event.ts';
import type { EventRead } from '../store/options.ts';
import { streamName } from '../store/stream-name.ts';
import { openSqliteStore } from './sqlite-store.ts';

const sizeBytes = 512 * 1024;
const most = 12; // 4 MiB and the piece that goes beyond it.

function largeEvents(from: number, count: number): readonly NewEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    id: crypto.randomUUID(),
    type: 'ScanStored',
    data: new Uint8Array(sizeBytes).fill(from + index),
  }));
}

async function pagesOf(read: EventRead): Promise<readonly (readonly RecordedEvent[])[]> {
  const pages: (readonly RecordedEvent[])[] = [];
  for await (const page of read.pages()) pages.push(page);
  return pages;
}

describe('pages of large events', () => {
  it('end early, so that memory stays bounded, and leave out nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'daybook-read-'));
    {
      await using store = await openSqliteStore(join(folder, 'x.db'));
      const stream = streamName('Scan-1');
      for (let from = 0; from < 40; from += 5) await store.append(stream, largeEvents(from, 5), { expected: 'any' });
      const forwards = Array.from({ length: 40 }, (_, index) => index);
      for (const [read, order] of [
        [store.readStream(stream), forwards],
        [store.readStream(stream, { direction: 'backwards' }), forwards.toReversed()],
        [store.readStream(categoryStream('Scan')), forwards],
        [store.readAll(), forwards],
        [store.readAll({ direction: 'backwards' }), forwards.toReversed()],
      ] as const) {
        const pages = await pagesOf(read);
        assert.deepEqual(
          pages.flat().map(({ data }) => data[sizeBytes - 1]),
          order,
        );
        assert.ok(Math.max(...pages.map((page) => page.length)) <= most);
      }
      const seen: number[] = [];
      for await (const message of store.subscribeToStream(stream)) {
        if (message.kind === 'event') seen.push(message.event.data[0]!);
        if (message.kind === 'caught-up') break;
      }
      assert.deepEqual(seen, forwards);
    }
    rmSync(folder, { recursive: true });
  });

  it('of small events hold on to no more memory than their neighbours need', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'daybook-read-'));
    {
      await using store = await openSqliteStore(join(folder, 'x.db'));
      const stream = streamName('Order-1');
      const events = Array.from({ length: 1_000 }, () => ({
        id: crypto.randomUUID(),
        type: 'OrderCreated',
        data: new Uint8Array(300),
      }));
      await store.append(stream, events, { expected: 'no-stream' });
      for await (const { data } of store.readStream(stream)) assert.ok(data.buffer.byteLength <= 8 * 1024);
    }
    rmSync(folder, { recursive: true });
  });
});
