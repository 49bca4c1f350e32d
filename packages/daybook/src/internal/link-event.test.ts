import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { categoryStream } from '../store/derived-stream.ts';
import type { RecordedEvent } from '../store/event.ts';
import { position, revision } from '../store/position.ts';
import { streamName } from '../store/stream-name.ts';
import { linkEvent } from './link-event.ts';

const event: RecordedEvent = {
  stream: streamName('Order-1'),
  revision: revision(5),
  position: position(42),
  id: '6b8e5c8e-0000-4000-8000-000000000000',
  type: 'OrderShipped',
  data: Uint8Array.of(1),
  metadata: Uint8Array.of(2),
  contentType: 'application/json',
  created: new Date(1_000),
};

function id(stream: string, number: number): string {
  return linkEvent(event, { stream: streamName(stream), revision: revision(number) }).id;
}

describe('link events', () => {
  it('say which event they stand for, where and when', () => {
    const link = linkEvent(event, { stream: categoryStream('Order'), revision: revision(7) });
    assert.deepEqual(
      { ...link, data: Buffer.from(link.data).toString() },
      {
        stream: '$ce-Order',
        revision: 7n,
        position: 42n,
        id: 'cd83f65f-4246-5ab7-8d90-82b21c2e2f03',
        type: '$>',
        data: '5@Order-1',
        metadata: new Uint8Array(0),
        contentType: 'application/octet-stream',
        created: new Date(1_000),
      },
    );
  });

  it('have an id for each place, always the same one: a UUID of version 5', () => {
    assert.equal(id('$ce-A', 1), id('$ce-A', 1));
    const ids = new Set([id('$ce-A', 1), id('$ce-A', 2), id('$ce-B', 1), id('$et-A', 1)]);
    assert.equal(ids.size, 4);
    for (const each of ids) assert.match(each, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
