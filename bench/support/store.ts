import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { EventStore, StreamAppend } from 'daybook';

import { openStore } from '../../test/crash/support/open-store.ts';
import { sampleEvent, sampleStream, streams } from './sample-events.ts';

/** A folder on the disk that is measured: `--folder`, or the system's own. Removed at the end of its scope. */
export function benchFolder(parent: string = tmpdir()): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(parent, 'daybook-bench-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Fills a store with so many events, spread over the streams. */
export async function preload(store: EventStore, events: number): Promise<void> {
  const perAppend = 500;
  const inFlight = 8;
  let left = events;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      const count = Math.min(left, perAppend);
      left -= count;
      const appends: StreamAppend[] = Array.from({ length: count }, () => ({
        stream: sampleStream(Math.floor(Math.random() * streams)),
        events: [sampleEvent()],
        expected: 'any',
      }));
      await store.appendAll(appends);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

export { openStore };
