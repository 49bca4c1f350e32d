import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';

import type { NewEvent, RecordedEvent } from '../store/event.ts';
import { setStreamMetadata } from '../store/stream-metadata.ts';
import { streamName } from '../store/stream-name.ts';
import { openSqliteStore, type SqliteStore } from './index.ts';
import { decodeRecord, encodeRecord } from './record.ts';
import { sealOf, segmentEvents, segmentHash } from './seal-chain.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-seals-'));
/** Two segments that are sealed, and a part of a third. */
const events = 2 * segmentEvents + 100;
let made = 0;

function event(): NewEvent {
  return { id: crypto.randomUUID(), type: 'Placed', data: Buffer.from('{"price":1}'), contentType: 'application/json' };
}

async function sealedStore(): Promise<string> {
  const path = join(folder, `${(made += 1)}.db`);
  await using store = await openSqliteStore(path);
  for (let at = 0; at < events; at += 100) {
    const stream = streamName(`Order-${at % 300}`);
    await store.append(stream, Array.from({ length: Math.min(100, events - at) }, event), { expected: 'any' });
  }
  return path;
}

/** Somebody who knows how the file is made, and has taken the triggers away. */
class Forger implements Disposable {
  readonly #database: DatabaseSync;

  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    for (const what of ['events_never_change', 'events_never_go', 'seals_never_change', 'seals_never_go']) {
      this.#database.exec(`DROP TRIGGER ${what}`);
    }
  }

  /** Puts the event that stands at one position to another one, with other data, as Daybook would write it. */
  write(position: number, { from = position, data }: { readonly from?: number; readonly data?: string }): void {
    const read = decodeRecord(this.record(from), from);
    this.put(position, encodedAt(position, data === undefined ? read : { ...read, data: Buffer.from(data) }));
  }

  record(position: number): Uint8Array {
    return this.#database.prepare('SELECT record FROM events WHERE position = ?').get(position)?.[
      'record'
    ] as Uint8Array;
  }

  put(position: number, record: Uint8Array): void {
    this.#database.prepare('UPDATE events SET record = ? WHERE position = ?').run(record, position);
  }

  run(sql: string, ...values: (number | Uint8Array)[]): void {
    this.#database.prepare(sql).run(...values);
  }

  /** Seals the first segment as if its events had always been so. */
  sealFirst(): void {
    const records = Array.from({ length: segmentEvents }, (_, index) => this.record(index + 1));
    const hash = segmentHash(records);
    this.run('UPDATE seals SET hash = ?, seal = ? WHERE segment = 1', hash, sealOf(undefined, hash));
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

async function findings(store: SqliteStore): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const progress of store.verify()) {
    found.push(...progress.findings.map(({ kind, position }) => `${kind} at ${position}`));
  }
  return found;
}

after(() => rmSync(folder, { recursive: true }));

describe('the seals of a log', () => {
  const forgeries: readonly (readonly [what: string, forge: (forger: Forger) => void, finding: string])[] = [
    [
      'an event that is altered, with a right checksum',
      (f) => f.write(5, { data: '{"price":9}' }),
      'broken-seal at 1024',
    ],
    [
      'an event that is altered, with a right checksum, in a later segment',
      (f) => f.write(2_000, { data: '{"price":9}' }),
      'broken-seal at 2048',
    ],
    [
      'the last event of a segment, when it is removed',
      (f) => f.run('DELETE FROM events WHERE position = ?', segmentEvents),
      'broken-seal at 1024',
    ],
    [
      'two events that changed places',
      (f) => {
        const first = f.record(50);
        f.write(50, { from: 150 });
        f.put(150, encodedAt(150, decodeRecord(first, 50)));
      },
      'broken-seal at 1024',
    ],
    ['a seal that is removed', (f) => f.run('DELETE FROM seals WHERE segment = ?', 1), 'broken-seal at 1024'],
    [
      'the last seal, when it is removed',
      (f) => f.run('DELETE FROM seals WHERE segment = ?', 2),
      'broken-seal at 2048',
    ],
    [
      'a seal that is replaced by another one',
      (f) => f.run('UPDATE seals SET seal = ? WHERE segment = 1', new Uint8Array(32).fill(7)),
      'broken-seal at 1024',
    ],
    [
      'a segment that is altered and sealed again: the next seal does not follow it',
      (f) => {
        f.write(5, { data: '{"price":9}' });
        f.sealFirst();
      },
      'broken-seal at 2048',
    ],
  ];
  for (const [what, forge, finding] of forgeries) {
    it(`show ${what}`, async () => {
      const path = await sealedStore();
      {
        using forger = new Forger(path);
        forge(forger);
      }
      await using store = await openSqliteStore(path);
      const found = await findings(store);
      assert.ok(found.includes(finding), found.join(', '));
    });
  }

  it('show nothing when nothing was done', async () => {
    await using store = await openSqliteStore(await sealedStore());
    assert.deepEqual(await findings(store), []);
  });

  it('show nothing, whatever the sizes of the events, and whenever the store is opened again', async () => {
    const path = join(folder, `${(made += 1)}.db`);
    // Sixteen KiB of records are hashed at once, and larger ones by themselves.
    const sizes = [0, 1, 5_000, 16_200, 16_300, 16_301, 16_302, 16_303, 16_304, 16_384, 40_000];
    const sized = (_: unknown, index: number): NewEvent => ({
      ...event(),
      data: Buffer.alloc(sizes[index % sizes.length]!),
    });
    for (let lives = 0; lives < 3; lives += 1) {
      await using store = await openSqliteStore(path);
      for (let appends = 0; appends < 7; appends += 1) {
        await store.append(streamName('Order-1'), Array.from({ length: 100 }, sized), { expected: 'any' });
      }
    }
    await using store = await openSqliteStore(path);
    assert.deepEqual(await findings(store), []);
  });
});

function encodedAt(position: number, { created, revision, ...read }: RecordedEvent): Uint8Array {
  const { stream } = read;
  return encodeRecord({ stream, position, revision: Number(revision), createdMs: created.getTime(), event: read });
}

describe('a scavenge of many segments', () => {
  const segments = 6;

  /** A store whose segments all have something to free. */
  async function hiddenStore(): Promise<string> {
    const path = join(folder, `${(made += 1)}.db`);
    await using store = await openSqliteStore(path);
    const hidden = streamName('Hidden-1');
    for (let segment = 0; segment < segments; segment += 1) {
      await store.append(hidden, Array.from({ length: segmentEvents }, event), { expected: 'any' });
    }
    await setStreamMetadata(store, hidden, { metadata: { maxCount: 1, custom: {} }, expected: 'any' });
    return path;
  }

  it('seals each of them once', async () => {
    const path = await hiddenStore();
    using database = new DatabaseSync(path);
    database.exec(`CREATE TABLE sealed (segment INTEGER) STRICT;
      CREATE TRIGGER count AFTER INSERT ON seals BEGIN INSERT INTO sealed VALUES (NEW.segment); END`);
    await using store = await openSqliteStore(path);
    await Array.fromAsync(store.scavenge());
    assert.deepEqual(await findings(store), []);
    const sealed = database.prepare('SELECT segment FROM sealed ORDER BY rowid').all();
    assert.deepEqual(
      sealed.map(({ segment }) => segment),
      Array.from({ length: segments }, (_, index) => index + 1),
    );
  });

  it('leaves a chain that can be checked at each step, when it ends half way, and when it is begun again', async () => {
    const path = await hiddenStore();
    const filler = streamName('Busy-1');
    {
      await using store = await openSqliteStore(path);
      await using other = await openSqliteStore(path);
      let steps = 0;
      for await (const { eventsFreed } of store.scavenge()) {
        assert.ok(eventsFreed > 0n);
        assert.deepEqual(await findings(other), [], `after step ${steps}`);
        if ((steps += 1) === 3) break;
      }
      await other.append(filler, Array.from({ length: segmentEvents }, event), { expected: 'any' });
      assert.deepEqual(await findings(other), []);
    }
    await using store = await openSqliteStore(path);
    await using other = await openSqliteStore(path);
    assert.deepEqual(await findings(store), []);
    await Array.fromAsync(store.scavenge());
    // Of two stores with the same file, the one that did not scavenge seals, too.
    await other.append(filler, Array.from({ length: segmentEvents }, event), { expected: 'any' });
    assert.deepEqual(await findings(store), []);
    using database = new DatabaseSync(path);
    assert.equal(database.prepare("SELECT * FROM meta WHERE key = 'seam'").get(), undefined);
  });
});
