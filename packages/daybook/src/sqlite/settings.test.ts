import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, afterEach, describe, it } from 'node:test';

import { openSqliteStore } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-settings-'));
const path = join(folder, 'x.db');
const exec = Reflect.get<DatabaseSync, 'exec'>(DatabaseSync.prototype, 'exec');

/** What each setting is when SQLite takes it for something else than what it was told. */
const wrong = {
  journal_mode: 'DELETE',
  synchronous: 'OFF',
  fullfsync: 'OFF',
  checkpoint_fullfsync: 'OFF',
  wal_autocheckpoint: '1000',
  cache_size: '-2000',
  mmap_size: '1000000',
  trusted_schema: 'ON',
  cell_size_check: 'OFF',
} as const;

describe('the settings of SQLite', () => {
  after(() => rmSync(folder, { recursive: true }));
  afterEach(() => {
    DatabaseSync.prototype.exec = exec;
  });

  for (const [name, value] of Object.entries(wrong)) {
    it(`are read back: a store whose ${name} is not what it was told is not opened`, async () => {
      {
        await using _ = await openSqliteStore(path);
      }
      DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string): void {
        exec.call(this, sql.startsWith(`PRAGMA ${name} = `) ? `PRAGMA ${name} = ${value}` : sql);
      };
      await assert.rejects(openSqliteStore(path), { code: 'setting-refused', setting: name });
    });
  }

  it('are given with the store, busy_timeout and all', async () => {
    await using store = await openSqliteStore(path, { busyTimeoutMs: 1_234 });
    assert.deepEqual(Object.keys(store.settings()).toSorted(), ['busy_timeout', ...Object.keys(wrong)].toSorted());
    assert.equal(store.settings()['busy_timeout'], 1_234);
    assert.equal(store.settings()['journal_mode'], 'wal');
  });
});
