import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { categoryStream } from '../store/derived-stream.ts';
import type { NewEvent } from '../store/event.ts';
import { revision } from '../store/position.ts';
import { streamName, type StreamName } from '../store/stream-name.ts';
import { IndexConnection } from './index-connection.ts';
import { openSqliteStore, type SqliteStore } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-index-'));
const pageBytes = 4_096;
/** An index of this size must be built again within this time, on the busiest machine. */
const patienceMs = 60_000;
const streams = [streamName('Order-0'), streamName('Order-1'), streamName('Order-2'), streamName('Order-3')] as const;

let made = 0;

function event(): NewEvent {
  made += 1;
  const id = `00000000-0000-4000-8000-${String(made).padStart(12, '0')}`;
  return { id, type: 'Placed', data: Buffer.from(`{"made":${made}}`), contentType: 'application/json' };
}

async function fill(path: string, appends: number): Promise<void> {
  await using store = await openSqliteStore(path);
  for (let append = 0; append < appends; append += 1) {
    await Promise.all(
      streams.map((stream) => store.append(stream, Array.from({ length: 60 }, event), { expected: 'any' })),
    );
  }
}

/** How many events each stream gives, and what the category gives, or why not. */
async function shape(store: SqliteStore): Promise<string> {
  const found: string[] = [];
  for (const stream of [...streams, categoryStream('Order')] as readonly StreamName[]) {
    const positions: bigint[] = [];
    try {
      for await (const { position } of store.readStream(stream)) positions.push(position);
      found.push(`${stream}: ${positions.length} events, ${positions.reduce((sum, one) => sum + one, 0n)}`);
    } catch (error) {
      assert.equal(Reflect.get(Object(error), 'code'), 'index-damaged', String(error));
      found.push(`${stream}: damaged`);
    }
  }
  return found.join('\n');
}

async function shapeWithin(store: SqliteStore, whole: string): Promise<string> {
  const until = performance.now() + patienceMs;
  let found = await shape(store);
  while (found !== whole && performance.now() < until) {
    await pause(5); // Whoever reads without a pause takes a core from what makes the index again.
    found = await shape(store);
  }
  return found;
}

function overwrite(path: string, at: number, bytes: readonly number[]): void {
  const file = readFileSync(path);
  file.set(bytes, at);
  writeFileSync(path, file);
}

async function findingsOf(store: SqliteStore): Promise<readonly string[]> {
  const kinds: string[] = [];
  for await (const { findings } of store.verify()) kinds.push(...findings.map(({ kind }) => kind));
  return kinds;
}

describe('a damaged index', () => {
  const original = join(folder, 'original');
  let whole = '';
  let copies = 0;

  before(async () => {
    const path = join(original, 'x.db');
    mkdirSync(original);
    await fill(path, 10);
    await using store = await openSqliteStore(path);
    whole = await shape(store);
  });
  after(() => rmSync(folder, { recursive: true }));

  function copy(): { readonly path: string; readonly index: string } {
    const path = join(folder, `copy-${(copies += 1)}`);
    cpSync(original, path, { recursive: true });
    return { path: join(path, 'x.db'), index: join(path, 'x.db-index') };
  }

  it('that is no SQLite file, is cut off, empty, gone or of another version is made again when the store is opened', async () => {
    const damages: readonly ((index: string) => void)[] = [
      (index) => writeFileSync(index, 'something else'),
      (index) => writeFileSync(index, ''),
      (index) => truncateSync(index, pageBytes + 100),
      // The version of the file that says who may write to it, and who may read it: SQLite keeps no write-ahead file.
      (index) => overwrite(index, 18, [9]),
      (index) => overwrite(index, 18, [9, 9]),
      (index) => overwrite(index, 18, [1, 1]),
      (index) => rmSync(index),
    ];
    for (const damage of damages) {
      const { path, index } = copy();
      damage(index);
      await using store = await openSqliteStore(path);
      assert.equal(await shapeWithin(store, whole), whole);
      assert.deepEqual(await findingsOf(store), []);
    }
  });

  it('never makes a read give something else, whichever of its pages is lost, and is made again while it is used', async () => {
    const pages = statSync(join(original, 'x.db-index')).size / pageBytes;
    for (let page = 0; page < pages; page += page < 6 ? 1 : 5) {
      const { path, index } = copy();
      const bytes = readFileSync(index);
      bytes.fill(0, page * pageBytes, (page + 1) * pageBytes);
      writeFileSync(index, bytes);
      await using store = await openSqliteStore(path);
      assert.equal(await shapeWithin(store, whole), whole, `page ${page}`);
      await store.append(streams[0], [event()], { expected: revision(10n * 60n - 1n) });
    }
  });

  it('that says that it knows more than it does is found by verify, and made again', async () => {
    const { path, index } = copy();
    cpSync(index, `${index}.old`);
    await fill(path, 10);
    let newer: ReadonlyMap<string, string>;
    {
      using connection = new IndexConnection(index, { busyTimeoutMs: 1_000 });
      newer = connection.meta();
    }
    cpSync(`${index}.old`, index);
    {
      using connection = new IndexConnection(index, { busyTimeoutMs: 1_000 });
      for (const key of ['indexed', 'checksum']) connection.setMeta(key, newer.get(key) ?? '');
    }
    await using store = await openSqliteStore(path);
    assert.ok((await findingsOf(store)).every((kind) => kind === 'wrong-index'));
    let left = await findingsOf(store);
    const until = performance.now() + patienceMs;
    while (left.length > 0 && performance.now() < until) {
      await pause(5);
      left = await findingsOf(store);
    }
    assert.deepEqual(left, []);
    assert.match(await shape(store), /Order-0: 1200 events/);
  });

  it('is no reason for a second store of the process to lose its way', async () => {
    const { path, index } = copy();
    await using first = await openSqliteStore(path);
    const bytes = readFileSync(index);
    rmSync(index); // A first store keeps what it has open; a second one makes a new index.
    assert.ok(bytes.length > 0);
    await using second = await openSqliteStore(path);
    assert.equal(await shapeWithin(second, whole), whole);
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(
        streams.map((stream) => first.append(stream, Array.from({ length: 500 }, event), { expected: 'any' })),
      );
    }
    const grown = await shape(second);
    assert.match(grown, /Order-0: 3100 events/);
    assert.equal(await shape(first), grown);
  });
});
