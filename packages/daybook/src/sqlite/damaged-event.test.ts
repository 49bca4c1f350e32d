import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';

import type { NewEvent } from '../store/event.ts';
import { position, revision } from '../store/position.ts';
import { streamName, type StreamName } from '../store/stream-name.ts';
import { IndexConnection } from './index-connection.ts';
import { openSqliteStore, type SqliteStore } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-damage-'));
const [one, two, three] = [streamName('Order-one'), streamName('Order-two'), streamName('Order-three')];

let made = 0;

function event(text = ''): NewEvent {
  made += 1;
  const id = `00000000-0000-4000-8000-${String(made).padStart(12, '0')}`;
  return { id, type: 'Placed', data: Buffer.from(`{"made":${made}}${text}`), contentType: 'application/json' };
}

/** A closed store with `one@0 two@0 one@1 two@1 one@2 three@0` at the positions 1 to 6. */
async function makeStore(): Promise<string> {
  made += 1;
  const path = join(folder, `${made}.db`);
  await using store = await openSqliteStore(path);
  for (const stream of [one, two, one, two, one, three]) await store.append(stream, [event()], { expected: 'any' });
  return path;
}

/** Changes a record as a bad disk would. `undefined`: the row is gone. */
function damage(path: string, at: number, change: (record: Buffer) => Buffer | undefined): void {
  const database = new DatabaseSync(path);
  const { record } = database.prepare('SELECT record FROM events WHERE position = ?').get(at) as { record: Uint8Array };
  const damaged = change(Buffer.from(record));
  database.exec('DROP TRIGGER IF EXISTS events_never_change; DROP TRIGGER IF EXISTS events_never_go');
  if (damaged === undefined) database.prepare('DELETE FROM events WHERE position = ?').run(at);
  else database.prepare('UPDATE events SET record = ? WHERE position = ?').run(damaged, at);
  database.close();
}

function inData(record: Buffer): Buffer {
  record[record.length - 2]! ^= 4;
  return record;
}

function inName(record: Buffer): Buffer {
  record[record.indexOf('Order-') + 1]! ^= 4;
  return record;
}

/** The revisions that a stream gives, and then the code and the position of the error, if there is one. */
async function reading(store: SqliteStore, stream: StreamName): Promise<string> {
  const found: string[] = [];
  try {
    for await (const read of store.readStream(stream, { pageSize: 1 })) found.push(String(read.revision));
  } catch (error) {
    found.push(`${Reflect.get(Object(error), 'code')} at ${Reflect.get(Object(error), 'position')}`);
  }
  return found.join(' ');
}

async function findings(store: SqliteStore): Promise<string> {
  const kinds: string[] = [];
  for await (const progress of store.verify()) {
    kinds.push(...progress.findings.map((found) => `${found.kind} at ${found.position}`));
  }
  return kinds.join(', ');
}

function appendTo(store: SqliteStore, stream: StreamName): Promise<string> {
  return store.append(stream, [event()], { expected: 'any' }).then(
    (appended) => `at ${appended.revision}`,
    (error: unknown) => `${Reflect.get(Object(error), 'code')} at ${Reflect.get(Object(error), 'position')}`,
  );
}

describe('a damaged event that is not indexed', () => {
  after(() => rmSync(folder, { recursive: true }));

  it('keeps its place when its data are damaged, and is the only one that cannot be read', async () => {
    const path = await makeStore();
    damage(path, 5, inData);
    await using store = await openSqliteStore(path);
    assert.equal(await reading(store, one), '0 1 event-damaged at 5');
    assert.equal(await reading(store, two), '0 1');
    assert.equal(await appendTo(store, one), 'at 3');
    assert.equal(await appendTo(store, streamName('Order-four')), 'at 0');
    assert.equal(await findings(store), 'damaged-event at 5');
    const from = position(6);
    const left: string[] = [];
    for await (const read of store.readAll({ from })) left.push(`${read.revision}@${read.stream}`);
    assert.deepEqual(left, ['0@Order-three', '3@Order-one', '0@Order-four']);
  });

  for (const [what, change] of [
    ['nobody can say whose it was', inName],
    ['it is cut off', (record: Buffer) => record.subarray(0, 20)],
    ['it is gone', () => undefined],
  ] as const) {
    it(`keeps appends from every stream that may have lost its end, and only from those, when ${what}`, async () => {
      const path = await makeStore();
      damage(path, 4, change);
      await using store = await openSqliteStore(path);
      assert.equal(await reading(store, one), '0 1 2');
      assert.equal(await reading(store, two), '0');
      assert.equal(await appendTo(store, two), 'event-damaged at 4');
      assert.equal(await appendTo(store, streamName('Order-new')), 'event-damaged at 4');
      assert.equal(await appendTo(store, one), 'at 3');
      assert.equal(await appendTo(store, three), 'at 1');
      await assert.rejects(store.tombstoneStream(two, { expected: 'any' }), { code: 'event-damaged' });
      await assert.rejects(store.deleteStream(one, { expected: 'any' }), { code: 'event-damaged' });
      assert.match(await findings(store), /^(?:damaged|missing)-event at 4$/);
    });

    it(`leaves the other revisions of its stream as they are when ${what}, in memory and in the index`, async () => {
      const path = await makeStore();
      damage(path, 3, change);
      for (const when of ['not indexed', 'indexed', 'indexed with more']) {
        await using store = await openSqliteStore(path);
        assert.match(await reading(store, one), /^0 event-damaged at 3$/, when);
        const later: string[] = [];
        for await (const read of store.readStream(one, { from: revision(2), limit: 1 })) {
          later.push(`${read.revision} at ${read.position}`);
        }
        assert.deepEqual(later, ['2 at 5'], when);
        assert.equal(await reading(store, two), '0 1');
        const end = (await store.streamState(three)).revision ?? -1n;
        const many = Array.from({ length: 3_000 }, () => event());
        const appended = await store.append(three, many, { expected: revision(end) });
        assert.equal(appended.firstRevision, end + 1n, when);
        assert.equal(
          await appendTo(store, one),
          `at ${3 + ['not indexed', 'indexed', 'indexed with more'].indexOf(when)}`,
        );
      }
      using index = new IndexConnection(`${path}-index`, { busyTimeoutMs: 1_000 });
      assert.ok(index.indexed() > 6_000);
    });
  }
});
