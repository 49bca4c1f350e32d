import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';

import { openSqliteStore, restoreSqliteStore, type SqliteStore } from 'daybook/sqlite';

import { backToFormat1, linesOfFormat1, lookInto, writeFormat1 } from './fixtures/format-1.ts';
import { fillSampleLog, sampleLines } from './fixtures/sample-log.ts';

/** The format of today. */
const newest = 2;

describe('formats of the log file', () => {
  it('R21: a store of format 1 opens, has the newest format then, and gives the same events byte for byte', async () => {
    using folder = newFolder();
    writeFormat1(folder.file('x.db'));
    const before = lookInto(folder.file('x.db'));
    assert.equal(before.format, 1);
    for (const when of ['migrated', 'opened again']) {
      await using store = await openSqliteStore(folder.file('x.db'));
      assert.deepEqual(await sampleLines(store), linesOfFormat1(), when);
      assert.deepEqual(await problems(store), [], when);
    }
    const { format, rows } = lookInto(folder.file('x.db'));
    assert.equal(format, newest);
    assert.ok(rows === before.rows, 'the rows are as they were');
  });

  it('R21: the same appends make the same log today', async () => {
    using folder = newFolder();
    let clock = Date.UTC(2026, 10, 26);
    await using store = await openSqliteStore(folder.file('x.db'), { now: () => (clock += 1) });
    await fillSampleLog(store);
    assert.deepEqual(withoutNewIds(await sampleLines(store)), withoutNewIds(linesOfFormat1()));
  });

  it('R21: a store that was migrated has the tables and triggers of a new one', async () => {
    using folder = newFolder();
    writeFormat1(folder.file('old.db'));
    const old = lookInto(folder.file('old.db')).schema;
    for (const name of ['old.db', 'new.db']) {
      await using _ = await openSqliteStore(folder.file(name));
    }
    const { schema } = lookInto(folder.file('new.db'));
    assert.deepEqual(lookInto(folder.file('old.db')).schema, schema);
    backToFormat1(folder.file('new.db'));
    assert.deepEqual(lookInto(folder.file('new.db')).schema, old);
  });

  it('R21: the header says the newest format before a migrated store is used, as older code looks only there', async () => {
    using folder = newFolder();
    writeFormat1(folder.file('x.db'));
    await using _ = await openSqliteStore(folder.file('x.db'));
    assert.equal(readFileSync(folder.file('x.db')).readUInt32BE(60), newest);
  });

  it('R21: a backup of format 1 is restored, and left as it is', async () => {
    using folder = newFolder();
    using elsewhere = newFolder();
    writeFormat1(elsewhere.file('x.db'));
    alter(elsewhere.file('x.db'), `VACUUM INTO '${folder.file('backup')}'`); // As a backup was made, and is.
    const before = readFileSync(folder.file('backup'));
    assert.equal(lookInto(folder.file('backup')).format, 1);
    await restoreSqliteStore(folder.file('backup'), folder.file('x.db'));
    assert.ok(before.equals(readFileSync(folder.file('backup'))));
    assert.deepEqual(readdirSync(folder.path).toSorted(), ['backup', 'x.db']);
    await using store = await openSqliteStore(folder.file('x.db'));
    assert.deepEqual(await sampleLines(store), linesOfFormat1());
    assert.deepEqual(await problems(store), []);
    assert.equal((await store.head()).epoch, 1);
  });

  it('R21: a newer format is refused, and not a byte is written to it, nor beside it', async () => {
    using folder = newFolder();
    writeFormat1(folder.file('x.db'));
    alter(folder.file('x.db'), `PRAGMA user_version = ${newest + 1}`);
    const before = readFileSync(folder.file('x.db'));
    await assert.rejects(openSqliteStore(folder.file('x.db')), { code: 'newer-format', found: newest + 1 });
    await assert.rejects(restoreSqliteStore(folder.file('x.db'), folder.file('y.db')), { code: 'newer-format' });
    assert.ok(before.equals(readFileSync(folder.file('x.db'))));
    assert.deepEqual(readdirSync(folder.path), ['x.db']);
  });

  it('R21: a newer format that stands only in the write-ahead file is refused, too', async () => {
    using folder = newFolder();
    writeFormat1(folder.file('x.db'));
    using newer = new DatabaseSync(folder.file('x.db'));
    newer.exec(`PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = ${newest + 1}`);
    const before = lookInto(folder.file('x.db'));
    await assert.rejects(openSqliteStore(folder.file('x.db')), { code: 'newer-format', found: newest + 1 });
    assert.deepEqual(lookInto(folder.file('x.db')), before);
  });
});

/** Metadata and tombstones get an id of their own each time. */
function withoutNewIds(lines: readonly string[]): readonly string[] {
  const isNew = /\$\$|\$streamDeleted/;
  return lines.map((line) => (isNew.test(line) ? line.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'id') : line));
}

function alter(path: string, sql: string): void {
  using database = new DatabaseSync(path);
  database.exec(sql);
}

async function problems(store: SqliteStore): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { findings } of store.verify()) found.push(...findings.map(({ problem }) => problem));
  return found;
}

function newFolder(): Disposable & { readonly path: string; readonly file: (name: string) => string } {
  const path = mkdtempSync(join(tmpdir(), 'daybook-formats-'));
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true }),
  };
}
