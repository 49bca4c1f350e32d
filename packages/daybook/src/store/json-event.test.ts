import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { RecordedEvent } from './event.ts';
import { jsonData, jsonEvent, jsonMetadata } from './json-event.ts';
import { position, revision } from './position.ts';
import { streamName } from './stream-name.ts';

function recorded(data: string, metadata = ''): RecordedEvent {
  return {
    ...jsonEvent({ type: 'OrderPlaced', data: null }),
    stream: streamName('Order-1'),
    revision: revision(3),
    position: position(9),
    data: Buffer.from(data),
    metadata: Buffer.from(metadata),
    contentType: 'application/json',
    created: new Date(0),
  };
}

describe('JSON events', () => {
  it('values become bytes once, with a new id', () => {
    const [first, second] = [jsonEvent({ type: 'T', data: { a: 1 } }), jsonEvent({ type: 'T', data: undefined })];
    assert.deepEqual(
      [first, second].map(({ data, contentType, metadata }) => [Buffer.from(data).toString(), contentType, metadata]),
      [
        ['{"a":1}', 'application/json', undefined],
        ['null', 'application/json', undefined],
      ],
    );
    assert.notEqual(first.id, second.id);
    const { id, metadata } = jsonEvent({ type: 'T', data: 1, id: 'mine', metadata: { by: 'é' } });
    assert.deepEqual([id, Buffer.from(metadata ?? []).toString()], ['mine', '{"by":"é"}']);
  });

  it('bytes become values, and no metadata are an empty object', () => {
    assert.deepEqual(jsonData(recorded('{"a":[1,"2"]}')), { a: [1, '2'] });
    assert.deepEqual(jsonMetadata(recorded('1')), {});
    assert.deepEqual(jsonMetadata(recorded('1', '{"by":"us"}')), { by: 'us' });
  });

  it('bytes that are not JSON, or not UTF-8, are an error that says which event', () => {
    for (const event of [recorded('{'), recorded(''), { ...recorded('1'), data: Uint8Array.of(0xff) }]) {
      assert.throws(() => jsonData(event), {
        code: 'event-not-json',
        part: 'data',
        message: /3@Order-1 \(OrderPlaced\)/,
      });
    }
    assert.throws(() => jsonMetadata(recorded('1', '{')), { code: 'event-not-json', part: 'metadata' });
  });
});
