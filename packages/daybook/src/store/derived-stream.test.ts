import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import {
  categoryStream,
  correlationIdIn,
  correlationStream,
  derivedStream,
  derivedStreamsOf,
  eventTypeStream,
} from './derived-stream.ts';
import { revision, tombstoneRevision } from './position.ts';
import { streamName } from './stream-name.ts';

function streamsOf(stream: string, type: string, at: bigint, metadata = ''): readonly string[] {
  return derivedStreamsOf({
    stream: streamName(stream),
    type,
    revision: revision(at),
    metadata: Buffer.from(metadata),
  });
}

function found(metadata: string): string | undefined {
  return correlationIdIn(Buffer.from(metadata));
}

describe('derived streams', () => {
  it('are known by their names', () => {
    assert.deepEqual(derivedStream(categoryStream('A')), { kind: 'category', key: 'A' });
    assert.deepEqual(derivedStream(eventTypeStream('A-B')), { kind: 'event-type', key: 'A-B' });
    assert.deepEqual(derivedStream(correlationStream('7')), { kind: 'correlation', key: '7' });
    assert.deepEqual(derivedStream('$streams'), { kind: 'streams', key: '' });
    assert.deepEqual(derivedStream('$category-A'), { kind: 'category-streams', key: 'A' });
    for (const name of ['A', 'A-1', '$all', '$streams-x', '$ce', '$$ce-A', '$$$ce-A', '$cex-A']) {
      assert.equal(derivedStream(name), undefined, name);
    }
  });

  it('hold an event by its category, its type, its stream and its correlation id', () => {
    assert.deepEqual(streamsOf('A-1', 'T', 1n), ['$ce-A', '$et-T']);
    assert.deepEqual(streamsOf('A-1', 'T', 0n), ['$ce-A', '$et-T', '$streams', '$category-A']);
    assert.deepEqual(streamsOf('plain', 'T', 0n), ['$et-T', '$streams']);
    assert.deepEqual(streamsOf('A-1', 'T', 1n, '{"$correlationId":"c"}'), ['$ce-A', '$et-T', '$bc-c']);
  });

  it('hold no links, no tombstones, and of system streams only what has a correlation id', () => {
    assert.deepEqual(streamsOf('A-1', '$>', 0n, '{"$correlationId":"c"}'), []);
    assert.deepEqual(streamsOf('A-1', '$streamDeleted', tombstoneRevision), []);
    assert.deepEqual(streamsOf('$$A-1', '$metadata', 0n), []);
    assert.deepEqual(streamsOf('$x-1', 'T', 0n, '{"$correlationId":"c"}'), ['$bc-c']);
  });

  it('a correlation id is a text in metadata that are JSON', () => {
    assert.equal(found('{"a":1,"$correlationId":"7f"}'), '7f');
    for (const none of ['', '{}', '{"$correlationId":""}', '{"$correlationId":7}', '{"$correlationId":"7"', '[]']) {
      assert.equal(found(none), undefined, none);
    }
    assert.equal(found('{"nested":{"$correlationId":"7"}}'), undefined);
    assert.equal(found('"\\"$correlationId\\" in a text"'), undefined);
  });
});
