import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import type { NewEvent } from '../store/event.ts';
import { streamName } from '../store/stream-name.ts';
import { openSqliteStore, restoreSqliteStore, type SqliteStore } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-restore-'));
const stream = streamName('Order-1');

let made = 0;

function event(): NewEvent {
  made += 1;
  const id = `00000000-0000-4000-8000-${String(made).padStart(12, '0')}`;
  return { id, type: 'Placed', data: Buffer.alloc(500, 'x') };
}

async function count(store: SqliteStore): Promise<number> {
  let events = 0;
  for await (const page of store.readAll().pages()) events += page.length;
  return events;
}

async function findings(store: SqliteStore): Promise<number> {
  let found = 0;
  for await (const progress of store.verify()) found += progress.findings.length;
  return found;
}

/** How many locks this system knows on a file, where it tells. */
function locksOn(path: string): number | undefined {
  if (!existsSync('/proc/locks')) return undefined;
  const { ino } = statSync(path);
  return readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`:${ino} `)).length;
}

describe('a store that is restored', () => {
  after(() => rmSync(folder, { recursive: true }));

  it('from one that is in use has everything that was acknowledged, and leaves that one its locks', async () => {
    const source = join(folder, 'used.db');
    await using store = await openSqliteStore(source);
    for (let append = 0; append < 20; append += 1) {
      await store.append(stream, [event(), event()], { expected: 'any' });
    }
    const appending = Array.from({ length: 50 }, () => store.append(stream, [event()], { expected: 'any' }));
    const locks = locksOn(source);
    const { epoch, logId } = await restoreSqliteStore(source, join(folder, 'copy.db'));
    assert.equal(locksOn(source), locks);
    await Promise.all(appending);
    await using copy = await openSqliteStore(join(folder, 'copy.db'));
    assert.ok((await count(copy)) >= 40);
    assert.equal(await findings(copy), 0);
    assert.deepEqual([(await copy.head()).epoch, epoch, logId], [1, 1, (await store.head()).logId]);
    assert.equal(await count(store), 90);
  });

  it('leaves a backup as it is, and puts nothing beside it', async () => {
    const backup = join(folder, 'backups');
    {
      await using store = await openSqliteStore(join(folder, 'original.db'));
      await store.append(stream, [event()], { expected: 'any' });
      for await (const { pagesDone } of store.backup(backup)) if (pagesDone < 0) break;
    }
    const before = readFileSync(backup);
    await restoreSqliteStore(backup, join(folder, 'restored.db'));
    assert.ok(before.equals(readFileSync(backup)));
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('backups') || name.startsWith('restored')),
      ['backups', 'restored.db'],
    );
    await using store = await openSqliteStore(join(folder, 'restored.db'));
    assert.equal(await count(store), 1);
  });

  it('takes no place that is taken, also not that of a file that was removed while it was in use', async () => {
    const source = join(folder, 'source.db');
    {
      await using store = await openSqliteStore(source);
      await store.append(stream, [event()], { expected: 'any' });
    }
    const target = join(folder, 'taken.db');
    writeFileSync(target, 'mine');
    await assert.rejects(restoreSqliteStore(source, target), { code: 'backup-exists', path: target });
    assert.equal(readFileSync(target, 'utf8'), 'mine');
    {
      await using _ = await openSqliteStore(join(folder, 'gone.db'));
      rmSync(join(folder, 'gone.db'));
      await assert.rejects(restoreSqliteStore(source, join(folder, 'gone.db')), { code: 'backup-exists' });
    }
    await assert.rejects(restoreSqliteStore(join(folder, 'none.db'), join(folder, 'new.db')), { code: 'not-a-store' });
    assert.ok(!existsSync(join(folder, 'new.db')));
  });

  it('does not take the witness of another log for its own', async () => {
    const source = join(folder, 'short.db');
    const target = join(folder, 'long.db');
    {
      await using short = await openSqliteStore(source);
      await short.append(stream, [event()], { expected: 'any' });
      await using long = await openSqliteStore(target);
      await long.append(stream, [event(), event(), event()], { expected: 'any' });
    }
    rmSync(target);
    await restoreSqliteStore(source, target);
    await using store = await openSqliteStore(target);
    assert.equal(await count(store), 1);
  });
});
