import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import {
  categoryOf,
  describedStreamOf,
  idOf,
  isMetadataStream,
  isSystemStream,
  metadataStreamOf,
  streamName,
} from './stream-name.ts';

describe('stream names', () => {
  it('the metadata of a stream with the longest name have a name', () => {
    assert.equal(streamName(`$$${'x'.repeat(1_024)}`).length, 1_026);
    assert.throws(() => streamName(`$$${'x'.repeat(1_025)}`), { code: 'invalid-stream-name' });
  });

  it('any well-formed text of up to 1,024 bytes is a name', () => {
    for (const text of ['a', '-', '$', '$$$', '0@x', ' ', '🛒', 'x'.repeat(1_024), 'é'.repeat(512)]) {
      assert.equal(streamName(text), text);
    }
  });

  it('what is empty, too long or not well-formed is none, and the error says why', () => {
    const wrong: readonly [string, RegExp][] = [
      ['', /it names nothing/],
      ['$$', /it names nothing/],
      ['x'.repeat(1_025), /1025 bytes.*at most 1024/],
      ['é'.repeat(513), /1026 bytes/],
      ['a\ud800', /well-formed/],
      ['\udc00'.repeat(400), /bytes/],
    ];
    for (const [text, message] of wrong) {
      assert.throws(() => streamName(text), { code: 'invalid-stream-name', text, message });
    }
  });

  it('the category is the text before the first hyphen, the id the text behind it', () => {
    const parts = ['CustomerOrder-123', 'A-b-c', 'A-', '-x', 'plain', '$ce-A', '$$A-1'].map((name) => [
      categoryOf(name),
      idOf(name),
    ]);
    assert.deepEqual(parts, [
      ['CustomerOrder', '123'],
      ['A', 'b-c'],
      ['A', ''],
      [undefined, undefined],
      [undefined, undefined],
      [undefined, 'A'],
      [undefined, '1'],
    ]);
  });

  it('a metadata stream and the stream that it describes lead to each other', () => {
    const stream = streamName('Order-1');
    assert.equal(metadataStreamOf(stream), '$$Order-1');
    assert.equal(describedStreamOf('$$Order-1'), stream);
    assert.equal(describedStreamOf('$Order-1'), undefined);
    assert.deepEqual(
      [isMetadataStream('$$x'), isMetadataStream('$x'), isSystemStream('$x'), isSystemStream('x$')],
      [true, false, true, false],
    );
  });
});
