import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import * as fc from 'fast-check';

import { categoryStream } from '../store/derived-stream.ts';
import type { NewEvent } from '../store/event.ts';
import { streamName } from '../store/stream-name.ts';
import { LogConnection } from './connection.ts';
import { openSqliteStore } from './index.ts';
import { Indexer } from './indexer.ts';
import { Streams } from './streams.ts';
import { Tail } from './tail.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-indexer-'));
const path = join(folder, 'x.db');
const busyTimeoutMs = 5_000;
const streams = [streamName('Order-1'), streamName('Order-2'), streamName('Order-3')] as const;
const category = categoryStream('Order');
/** Enough for some blocks of each stream. */
const events = 900;

function id(position: number): string {
  return `00000000-0000-4000-8000-${String(position).padStart(12, '0')}`;
}

function eventAt(position: number): NewEvent {
  return { id: id(position), type: 'Placed', data: Buffer.from('{}'), contentType: 'application/json' };
}

/** Most of the events are of the first stream. */
function streamAt(position: number): (typeof streams)[number] {
  return streams[position % 7 === 0 ? 1 : position % 11 === 0 ? 2 : 0];
}

describe('the indexer', () => {
  before(async () => {
    await using store = await openSqliteStore(path);
    for (let position = 1; position <= events; position += 1) {
      await store.append(streamAt(position), [eventAt(position)], { expected: 'any' });
    }
  });
  after(() => rmSync(folder, { recursive: true }));

  it('leaves the same index behind, in runs of whatever length', () => {
    const runs = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 5, maxLength: 60 });
    let made = 0;
    const holds = (lengths: readonly number[]): void => {
      const indexPath = join(folder, `index-${(made += 1)}`);
      using indexer = new Indexer({ logPath: path, indexPath, busyTimeoutMs });
      let indexed = 0;
      for (const length of lengths) indexed = indexer.advance(Math.min(events, indexed + length));
      using reader = new LogConnection(path, { busyTimeoutMs });
      reader.attachIndex(indexPath);
      const found = new Streams({ reader, writer: reader, tail: new Tail(indexed, undefined) });
      for (const name of [...streams, category]) {
        const all = Array.from({ length: indexed }, (_, index) => index + 1);
        const expected = name === category ? all : all.filter((position) => streamAt(position) === name);
        const places = found.places(name);
        assert.equal(places.last, expected.length - 1);
        assert.deepEqual(found.positionsOf(places, 0, places.last), expected);
        assert.deepEqual(
          expected.map((_, number) => found.positionOf(places, number)),
          expected,
        );
        if (name === category) continue;
        const head = found.head(name);
        for (const [revision, position] of expected.entries()) {
          assert.equal(found.findId(name, head, { id: id(position), from: 0 }), revision);
        }
      }
    };
    holds(Array.from({ length: events }, () => 1)); // So that a run ends wherever a block does.
    fc.assert(fc.property(runs, holds), { numRuns: 20 });
  });
});
