import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { writeFormat1 } from '../fixtures/format-1.ts';
import { size } from '../size.ts';
import { migrate } from './migrate.ts';
import { startChild } from './support/child.ts';
import { describeWatched } from './support/disk-shim.ts';
import { diskFolder } from './support/folder.ts';
import { explain } from './support/outcome.ts';
import { newSeed } from './support/random.ts';
import { onSmallDisk } from './support/small-disk.ts';

describeWatched('R21: a store of an older format', () => {
  it('has one format or the other, and all its events, when those that open it are killed or the disk fails', async () => {
    const outcome = await migrate({ cycles: size(50), seed: newSeed() });
    assert.equal(outcome.broken.length, 0, explain(outcome));
    const { interrupted = 0, old = 0, migrated = 0, failures = 0 } = outcome.counts;
    assert.ok(interrupted > 0 && old > 0 && migrated > 0 && failures > 50, JSON.stringify(outcome.counts));
  });

  it('that commits half a migration is found out', async () => {
    const run = { cycles: 20, seed: newSeed(), mutant: 'two-transactions', stopAtFirst: true };
    const outcome = await migrate(run);
    assert.ok(
      outcome.broken.some(({ kind }) => kind === 'partial'),
      explain(outcome),
    );
  });
});

describe('R21: a store of an older format', () => {
  for (const [what, spoil, code] of [
    ['read-only', 'mount -o remount,ro "$0"', 'StoreReadOnly'],
    ['full', 'dd if=/dev/zero of="$0/ballast" 2>/dev/null; true', 'DiskFull'],
  ] as const) {
    it(`is not opened on a disk that is ${what}, which is said, and is as it was`, async () => {
      using folder = diskFolder();
      writeFormat1(folder.file('x.db'));
      using disk = diskFolder();
      const script = `cp ${folder.file('x.db')} "$0" && { ${spoil}; } && "$@"; cmp ${folder.file('x.db')} "$0/x.db" && echo same`;
      const said: string[] = [];
      await using child = startChild(new URL('count-child.ts', import.meta.url), {
        args: [disk.file('x.db')],
        wrapper: onSmallDisk(disk.path, '1m', script),
        onLine: (line) => void said.push(line),
      });
      const { errors } = await child.ended;
      assert.match(errors, new RegExp(code));
      assert.deepEqual(said, ['same']);
    });
  }
});
