import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { streamName } from '../store/stream-name.ts';
import { LogConnection } from './connection.ts';
import { openSqliteStore } from './index.ts';
import { Indexer } from './indexer.ts';
import { idHashOf } from './record.ts';
import { Streams } from './streams.ts';
import { Tail } from './tail.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-streams-'));
const path = join(folder, 'x.db');
const busyTimeoutMs = 5_000;
const names = ['Order-1', 'Order-2', 'Order-3'].map((name) => streamName(name));
/** In each of the streams. */
const events = 300;

function id(stream: string, number: number): string {
  return `00000000-0000-4000-800${stream.at(-1)}-${String(number).padStart(12, '0')}`;
}

function streamsOf(reader: LogConnection, idsAtMost: number): Streams {
  const indexPath = join(folder, 'index');
  using indexer = new Indexer({ logPath: path, indexPath, busyTimeoutMs });
  const tail = new Tail(indexer.advance(names.length * events), undefined);
  reader.attachIndex(indexPath);
  return new Streams({ reader, writer: reader, tail, idsAtMost });
}

describe('the ids of streams', () => {
  before(async () => {
    await using store = await openSqliteStore(path);
    for (const name of names) {
      const all = Array.from({ length: events }, (_, number) => ({
        id: id(name, number),
        type: 'Placed',
        data: Buffer.from('{}'),
      }));
      await store.append(name, all, { expected: 'no-stream' });
    }
  });
  after(() => rmSync(folder, { recursive: true }));

  it('are forgotten when there are too many, those of the first stream first, and found all the same', () => {
    using reader = new LogConnection(path, { busyTimeoutMs });
    const streams = streamsOf(reader, events * 2);
    for (const name of [...names, ...names]) {
      const found = streams.findId(name, streams.head(name), { id: id(name, 200), from: 0 });
      assert.equal(found, 200, name);
    }
    const held = names.map((name) => streams.knownHead(name)?.ids?.count ?? 0);
    assert.deepEqual(held, [0, events, events]);
  });

  it('are forgotten, too, when a stream grows while it is in memory', () => {
    using reader = new LogConnection(path, { busyTimeoutMs });
    const streams = streamsOf(reader, 1_000);
    const grown = ['Other-1', 'Other-2', 'Other-3'].map((name) => streamName(name));
    for (const name of grown) {
      const head = streams.head(name);
      for (let number = 0; number < 450; number += 1) streams.addId(name, head, idHashOf(id(name, number)));
    }
    const held = grown.map((name) => streams.knownHead(name)?.ids?.count ?? 0);
    assert.deepEqual(held, [0, 450, 450]);
  });
});
