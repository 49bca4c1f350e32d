import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';

import { checkDeletable, checkEvents, checkExpected, checkNotEmpty, checkWritable } from './check-append.ts';
import { checkLimits, checkNotAll, checkRead } from './check-options.ts';
import type { ExpectedRevision } from './expected-revision.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { revision } from './position.ts';
import { streamName } from './stream-name.ts';

const limits: Limits = { eventBytes: 10, metadataBytes: 4, appendBytes: 25, appendEvents: 3 };

function event(dataBytes: number, metadataBytes = 0): Parameters<typeof checkEvents>[0][number] {
  return { id: randomUUID(), type: 'T', data: new Uint8Array(dataBytes), metadata: new Uint8Array(metadataBytes) };
}

describe('checks before an append', () => {
  it('each limit holds to the byte', () => {
    checkEvents([event(10), event(6, 4), event(5)], limits);
    assert.throws(() => checkEvents([event(11)], limits), { code: 'event-too-large', part: 'event', sizeBytes: 11 });
    assert.throws(() => checkEvents([event(7, 4)], limits), { code: 'event-too-large', part: 'event', sizeBytes: 11 });
    assert.throws(() => checkEvents([event(0, 5)], limits), { code: 'event-too-large', part: 'metadata' });
    assert.throws(() => checkEvents([event(10), event(10), event(6)], limits), {
      code: 'append-too-large',
      unit: 'bytes',
      size: 26,
    });
    assert.throws(() => checkEvents([event(1), event(1), event(1), event(1)], limits), {
      code: 'append-too-large',
      unit: 'events',
      size: 4,
    });
  });

  it('an id is a UUID in each of its characters', () => {
    const id = '0af9C3e1-B7d2-4e55-8a06-f1D94b2c7E83';
    checkEvents([{ ...event(1), id }], limits);
    for (let at = 0; at < id.length; at += 1) {
      for (const wrong of ['g', 'G', '/', ':', '@', '`', ' ', '\0', 'é', '٣', id[at] === '-' ? '0' : '-', '']) {
        const text = id.slice(0, at) + wrong + id.slice(at + 1);
        assert.throws(
          () => checkEvents([{ ...event(1), id: text }], limits),
          { code: 'invalid-event', field: 'id' },
          text,
        );
      }
    }
    for (const text of [`${id}0`, ` ${id}`, id.replaceAll('-', '')]) {
      assert.throws(
        () => checkEvents([{ ...event(1), id: text }], limits),
        { code: 'invalid-event', field: 'id' },
        text,
      );
    }
  });

  it('a writer says what it expects', () => {
    for (const expected of ['any', 'no-stream', 'stream-exists', revision(3)] as const) checkExpected(expected);
    for (const expected of [undefined, null, 3, 'Any', {}] as unknown as ExpectedRevision[]) {
      assert.throws(() => checkExpected(expected), { code: 'invalid-option', option: 'expected' });
    }
  });

  it('nothing is appended to what is derived, and metadata are not deleted', () => {
    for (const name of ['$all', '$ce-A', '$streams']) {
      assert.throws(() => checkWritable(streamName(name)), { code: 'read-only-stream' });
      assert.throws(() => checkDeletable(streamName(name)), { code: 'read-only-stream' });
    }
    checkWritable(streamName('$$A-1'));
    assert.throws(() => checkDeletable(streamName('$$A-1')), { code: 'invalid-stream-name' });
    checkDeletable(streamName('A-1'));
    assert.throws(() => checkNotEmpty([]), { code: 'invalid-event', field: 'events' });
  });
});

describe('checks of options', () => {
  it('counts are whole numbers, and no limit is one', () => {
    checkRead({});
    checkRead({ limit: 0, pageSize: 1, from: new Date(0) });
    checkRead({ limit: Number.POSITIVE_INFINITY });
    for (const limit of [-1, 0.5, Number.NaN]) {
      assert.throws(() => checkRead({ limit }), { code: 'invalid-option', option: 'limit' });
    }
    assert.throws(() => checkRead({ pageSize: 0 }), { code: 'invalid-option', option: 'pageSize' });
    assert.throws(() => checkRead({ from: new Date('never') }), { code: 'invalid-option', option: 'from' });
  });

  it('limits are sizes, and no event is larger than 16 MiB', () => {
    checkLimits(defaultLimits);
    checkLimits({ ...defaultLimits, eventBytes: 16 * 1024 * 1024 });
    assert.throws(() => checkLimits({ ...defaultLimits, eventBytes: 16 * 1024 * 1024 + 1 }), {
      option: 'limits.eventBytes',
    });
    assert.throws(() => checkLimits({ ...defaultLimits, appendEvents: 0 }), { option: 'limits.appendEvents' });
  });

  it('all streams are not a stream', () => {
    assert.throws(() => checkNotAll(streamName('$all')), { code: 'invalid-stream-name' });
    checkNotAll(streamName('$al'));
  });
});
