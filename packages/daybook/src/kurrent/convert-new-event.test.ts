import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { NewEvent } from '../store/event.ts';
import { convertNewEvent } from './convert-new-event.ts';

const event: NewEvent = {
  id: 'c0ffee00-0000-4000-8000-000000000001',
  type: 'Spaced',
  data: Buffer.from('{ "a": 1.0 }'),
  metadata: Buffer.from('{ "b": 2.0 }'),
  contentType: 'application/json',
};

describe('an event for a client', () => {
  it('is JSON to the server, and bytes to the code that would serialise it', () => {
    const sent = convertNewEvent(event);
    assert.deepEqual([sent.contentType, sent.contentType], ['application/json', 'application/octet-stream']);
  });

  it('is refused when a client would serialise it all the same: nothing else than what was given is ever sent', () => {
    assert.throws(() => JSON.stringify(convertNewEvent(event).data), /would serialise JSON anew\. Nothing was written/);
  });

  it('has its bytes in a plain array: a client serialises a Buffer', () => {
    const { data, metadata } = convertNewEvent(event);
    for (const bytes of [data, metadata]) assert.equal((bytes as Uint8Array).constructor, Uint8Array);
    assert.equal(Buffer.from(metadata as Uint8Array).toString(), '{ "b": 2.0 }');
  });

  it('says that it is bytes when it is', () => {
    const sent = convertNewEvent({ ...event, contentType: 'application/octet-stream' });
    assert.deepEqual([sent.contentType, sent.contentType], ['application/octet-stream', 'application/octet-stream']);
  });
});
