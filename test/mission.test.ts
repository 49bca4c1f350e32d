import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';

import { categoryStream, eventTypeStream, streamName, type EventStore, type StreamName } from 'daybook';
import { openSqliteStore, type Finding, type SqliteStore } from 'daybook/sqlite';
import { goldenEvents, goldenStream } from 'daybook/testing';

const order = streamName(goldenStream);

describe('the mission, for a store in a file', () => {
  for (const sql of [
    'UPDATE events SET record = zeroblob(40) WHERE position = 1',
    'DELETE FROM events WHERE position = 1',
    'DELETE FROM events',
  ]) {
    it(`A-L1: SQL that alters or removes an event is refused, and says the way out: ${sql}`, async () => {
      await using folder = await temporaryFolder();
      const before = await filledStore(folder.path);
      const path = join(folder.path, 'shop.db');
      assert.throws(() => alterFile(path, sql), {
        message: /^Daybook: an event (?:never changes|is never removed)\. /,
      });
      await using store = await openSqliteStore(path);
      assert.throws(() => alterFile(path, sql), { message: /^Daybook: / }, 'and while the store is in use');
      assert.deepEqual(await derived(store), before);
      assert.deepEqual(await findings(store), []);
    });
  }

  for (const [what, sql] of [
    ['replaces', 'REPLACE INTO events (position, record) VALUES (1, zeroblob(40))'],
    ['removes', 'DROP TRIGGER events_never_go; DELETE FROM events WHERE position = 1'],
  ] as const) {
    it(`A-L1: whoever ${what} an event all the same is found out before anybody is given the rest`, async () => {
      await using folder = await temporaryFolder();
      const path = join(folder.path, 'shop.db');
      await filledStore(folder.path);
      alterFile(path, sql);
      await assert.rejects(
        async () => {
          await using store = await openSqliteStore(path);
          assert.notDeepEqual(await findings(store), []);
          await derived(store);
        },
        { code: 'event-damaged' },
      );
    });
  }

  it('A-L3: what is derived from the log can be deleted, and comes back the same', async () => {
    await using folder = await temporaryFolder();
    const before = await filledStore(folder.path);
    const indexes = globSync('shop.db-index*', { cwd: folder.path });
    assert.notDeepEqual(indexes, []);
    for (const file of indexes) await rm(join(folder.path, file));
    await using store = await openSqliteStore(join(folder.path, 'shop.db'));
    assert.deepEqual(await derived(store), before);
  });

  it('A-L4: two stores side by side share nothing', async () => {
    await using folder = await temporaryFolder();
    await using ours = await openSqliteStore(join(folder.path, 'ours.db'));
    await using theirs = await openSqliteStore(join(folder.path, 'theirs.db'));
    await ours.append(order, goldenEvents(), { expected: 'no-stream' });
    assert.equal((await theirs.streamState(order)).status, 'no-stream');
    assert.equal((await theirs.head()).position, undefined);
    assert.notEqual((await ours.head()).logId, (await theirs.head()).logId);
    const appended = await theirs.append(order, goldenEvents(), { expected: 'no-stream' });
    assert.equal(appended.outcome, 'appended');
  });
});

/** Makes a store with the golden sample and closes it. Gives what its derived streams say. */
async function filledStore(folder: string): Promise<readonly string[]> {
  await using store = await openSqliteStore(join(folder, 'shop.db'));
  await store.append(order, goldenEvents(), { expected: 'no-stream' });
  return await derived(store);
}

async function derived(store: EventStore): Promise<readonly string[]> {
  const streams: readonly StreamName[] = [categoryStream('CustomerOrder'), eventTypeStream('OrderShipped'), order];
  const found: string[] = [];
  for (const name of streams) {
    for await (const { id, link, revision, position } of store.readStream(name)) {
      found.push(`${name} ${link?.revision} ${revision} ${position} ${id}`);
    }
  }
  assert.equal(found.length, 7);
  return found;
}

function alterFile(path: string, sql: string): void {
  using database = new DatabaseSync(path);
  database.exec(sql);
}

async function findings(store: SqliteStore): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for await (const progress of store.verify()) found.push(...progress.findings);
  return found;
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'daybook-mission-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
