import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { describe, it } from 'node:test';

import { batchEvents, tortureStream } from './support/checkable-event.ts';
import { startChild } from './support/child.ts';
import { diskFolder } from './support/folder.ts';
import { openStore } from './support/open-store.ts';

/** How many events another process finds. It opens the store and closes it again. */
async function eventsForOthers(path: string): Promise<number> {
  let found = '';
  await using child = startChild(new URL('count-child.ts', import.meta.url), {
    args: [path],
    onLine: (line) => (found = line),
  });
  const { errors } = await child.ended;
  return found === '' ? assert.fail(errors) : Number(found);
}

/** How many locks there are on a file, where the system tells. */
function locksOn(path: string): number | undefined {
  if (!existsSync('/proc/locks')) return undefined;
  const { ino } = statSync(path);
  return readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`:${ino} `)).length;
}

describe('a store that is open twice in one process', () => {
  // To close any descriptor of a file drops all locks that the process has on it. Then an older SQLite takes itself for
  // the last one that has the file open, and removes the write-ahead file when it leaves, with what is appended to it.
  it('keeps its locks, so that what is appended afterwards is there for others', async () => {
    using folder = diskFolder();
    const path = folder.file('x.db');
    const stream = tortureStream('0');
    await using store = await openStore(path);
    await store.append(stream, batchEvents('0', 0, 1), { expected: 'no-stream' });
    const locks = locksOn(path);
    {
      await using second = await openStore(path);
      await second.head();
    }
    assert.equal(locksOn(path), locks);
    assert.equal(await eventsForOthers(path), 1);
    await store.append(stream, batchEvents('0', 1, 1), { expected: 'stream-exists' });
    assert.equal(await eventsForOthers(path), 2);
  });
});
