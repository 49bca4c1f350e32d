import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';

import type { PackedPage } from '../store/packed-page.ts';
import { streamName } from '../store/stream-name.ts';
import type { SqliteStore } from './options.ts';
import { openSqliteStore } from './sqlite-store.ts';

const kiB = 1024;

describe('events as bytes, from a log in a file', () => {
  it('come in pages of a bounded size, however large they are', async () => {
    await using file = await filled(Array.from({ length: 12 }, (_, index) => (index === 5 ? 400 : 100) * kiB));
    const pages = await packed(file.store);
    assert.ok(pages.every(({ events, bytes }) => events.length === 1 || bytes.length <= 256 * kiB));
    assert.equal(pages.flatMap(({ events }) => events).length, 12);
  });

  it('leave out what a scavenge took', async () => {
    await using file = await filled([200, 200, 200]);
    await file.store.append(streamName('others'), [{ id: randomUUID(), type: 'Other', data: Buffer.from('x') }], {
      expected: 'no-stream',
    });
    await file.store.deleteStream(streamName('sizes'), { expected: 'any' });
    await Array.fromAsync(file.store.scavenge());
    const positions = (await packed(file.store)).flatMap(({ events }) => events.map(({ position }) => position));
    const events = (await Array.fromAsync(file.store.readAll().pages())).flat();
    assert.deepEqual(
      positions.map(BigInt),
      events.map(({ position }) => position),
    );
    assert.ok(positions.includes(4) && !positions.includes(1));
  });

  for (const [damage, sql] of [
    [
      'a bit that flipped',
      `UPDATE events SET record = CAST(substr(record, 1, 99) || x'00' || substr(record, 101) AS BLOB)`,
    ],
    ['a row that was cut off', 'UPDATE events SET record = substr(record, 1, 20)'],
    ['a row of another position', 'UPDATE events SET record = (SELECT record FROM events WHERE position = 2)'],
    ['a row that is gone', 'DELETE FROM events'],
  ] as const) {
    it(`are not given when there is ${damage}`, async () => {
      await using file = await filled(Array.from({ length: 9 }, () => 200));
      file.change(`${sql} WHERE position = 7`);
      await assert.rejects(packed(file.store), { code: 'event-damaged', position: 7n });
    });
  }
});

/** A store with one event of each size, whose file can be changed behind its back. */
async function filled(
  sizes: readonly number[],
): Promise<AsyncDisposable & { readonly store: SqliteStore; readonly change: (sql: string) => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-packed-'));
  const path = join(folder, 'x.db');
  const store = await openSqliteStore(path);
  for (const size of sizes) {
    const event = { id: randomUUID(), type: 'Sized', data: Buffer.alloc(size, 'x') };
    await store.append(streamName('sizes'), [event], { expected: 'any' });
  }
  return {
    store,
    change(sql) {
      using database = new DatabaseSync(path);
      database.exec(`DROP TRIGGER events_never_change; DROP TRIGGER events_never_go; ${sql}`);
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

async function packed(store: SqliteStore): Promise<readonly PackedPage[]> {
  const { packedPages } = store.readAll();
  assert.ok(packedPages !== undefined);
  return Array.fromAsync(packedPages());
}
