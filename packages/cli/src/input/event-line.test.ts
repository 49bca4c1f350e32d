import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { position, revision, streamName, type RecordedEvent } from 'daybook';

import { eventLine, parseEventLine, placedEventLine } from './event-line.ts';

const golden = '{"scanned_on":"2016-08-08T20:05:00.0000000Z","total":1.0,"big":12345678901234567890}';

function event(fields: Partial<RecordedEvent> = {}): RecordedEvent {
  return {
    stream: streamName('CustomerOrder-1'),
    revision: revision(4),
    position: position(9),
    id: 'c0ffee00-0000-4000-8000-000000000001',
    type: 'OrderShipped',
    data: Buffer.from(golden),
    metadata: new Uint8Array(),
    contentType: 'application/json',
    created: new Date('2016-08-08T22:10:00.017Z'),
    ...fields,
  };
}

function again(text: string): ReturnType<typeof parseEventLine> {
  return parseEventLine({ number: 1, text }, 'events.ndjson');
}

describe('an event as a line', () => {
  it('keeps the bytes of data and metadata that are JSON', () => {
    const line = eventLine(event({ metadata: Buffer.from('{"$correlationId":"7", "n":1e2}') }));
    assert.ok(line.includes(golden), line);
    const { stream, event: parsed } = again(line);
    assert.equal(stream, 'CustomerOrder-1');
    assert.equal(Buffer.from(parsed.data).toString(), golden);
    assert.equal(Buffer.from(parsed.metadata ?? []).toString(), '{"$correlationId":"7", "n":1e2}');
    assert.equal(parsed.contentType, 'application/json');
    assert.equal(parsed.created?.toISOString(), '2016-08-08T22:10:00.017Z');
  });

  for (const [what, data, contentType] of [
    ['binary data', Buffer.from([0, 255, 10, 13]), 'application/octet-stream'],
    ['no data', new Uint8Array(), 'application/octet-stream'],
    ['JSON that is said to be binary', Buffer.from('{"a":1}'), 'application/octet-stream'],
    ['JSON over several lines', Buffer.from('{\n"a":1}'), 'application/json'],
    ['JSON with spaces around', Buffer.from(' {"a":1} '), 'application/json'],
    ['JSON with a byte order mark', Buffer.from('\uFEFF{"a":1}'), 'application/json'],
    ['what is said to be JSON and is not', Buffer.from('{"a":'), 'application/json'],
    ['text that is not UTF-8', Buffer.from([34, 0xc3, 34]), 'application/json'],
  ] as const) {
    it(`keeps ${what}`, () => {
      const line = eventLine(event({ data, contentType }));
      assert.ok(!line.includes('\n'));
      const parsed = again(line).event;
      assert.deepEqual([...parsed.data], [...data]);
      assert.equal(parsed.contentType, contentType);
    });
  }

  it('says where the event is, when it was read, and is read as an event all the same', () => {
    const line = placedEventLine(event({ link: { stream: streamName('$ce-CustomerOrder'), revision: revision(2) } }));
    assert.deepEqual(JSON.parse(line).link, { stream: '$ce-CustomerOrder', revision: '2' });
    assert.equal(JSON.parse(line).position, '9');
    assert.equal(again(line).event.id, event().id);
  });

  it('gets an id of its own, always the same, when it has none', () => {
    const text = '{"stream":"a-1","type":"T","data":{}}';
    assert.equal(again(text).event.id, again(text).event.id);
    assert.notEqual(again(text).event.id, parseEventLine({ number: 2, text }, 'events.ndjson').event.id);
    assert.match(again(text).event.id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  for (const [what, text, expected] of [
    ['no JSON', '{"type":', /Line 1 of events\.ndjson is not JSON, at column 9: it ends too early\.$/],
    ['no object', '[1]', /is not an object/],
    ['no type', '{"stream":"a-1"}', /has no "type"/],
    ['an unknown member', '{"type":"T","metaData":{}}', /has a member "metaData"/],
    ['no UUID as its id', '{"type":"T","id":"7"}', /is not a UUID/],
    ['no base64', '{"type":"T","dataBase64":"*"}', /is not base64/],
    ['no time', '{"type":"T","created":"soon"}', /is no time/],
  ] as const) {
    it(`is refused with ${what}`, () => {
      assert.throws(() => again(text), expected);
    });
  }
});
