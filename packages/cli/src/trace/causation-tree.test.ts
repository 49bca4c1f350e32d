import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { position, revision, streamName, type RecordedEvent } from 'daybook';
import { eventIdOf } from 'daybook/decider';

import { causationTree } from './causation-tree.ts';

let place = 0;

function event(id: string, causationId?: unknown, at = 0, stream = `S-${id}`): RecordedEvent {
  place += 1;
  return {
    stream: streamName(stream),
    revision: revision(at),
    position: position(place),
    id,
    type: 'ThingDone',
    data: new Uint8Array(),
    metadata: new TextEncoder().encode(causationId === undefined ? '' : JSON.stringify({ $causationId: causationId })),
    contentType: 'application/json',
    created: new Date(0),
  };
}

const shown = (events: readonly RecordedEvent[]): string =>
  causationTree(events)
    .map(({ event: { id }, depth }) => `${'.'.repeat(depth)}${id}`)
    .join(' ');

describe('the tree of what caused what', () => {
  it('A-K11: has each event right below its cause, and else in the order of the log', () => {
    assert.equal(
      shown([event('a', 'command'), event('b', 'a'), event('c', 'a'), event('d', 'b'), event('e', 'a')]),
      'a .b ..d .c .e',
    );
  });

  it('begins wherever no event of the chain is the cause', () => {
    assert.equal(shown([event('a', 'a'), event('b'), event('c', 7), event('d', 'unknown')]), 'a b c d');
  });

  it('tells the events of a command from what its first event caused', () => {
    const first = '4b3a8c0e-57a1-4c53-9d0b-0d1f6a3c2b10';
    const second = eventIdOf(first, 1);
    const events = [event(first, first, 5, 'S-1'), event(second, first, 6, 'S-1'), event('then', first, 7, 'S-1')];
    assert.equal(shown(events), `${first} .then ${second}`);
  });

  it('loses nothing that goes round in a circle, or below one', () => {
    assert.equal(shown([event('a', 'c'), event('b', 'a'), event('c', 'b'), event('d', 'c')]), 'a .b ..c ...d');
  });

  it('can be as deep as it likes', () => {
    const events = Array.from({ length: 20_000 }, (_, index) => event(`e${index}`, `e${index - 1}`));
    assert.equal(causationTree(events).at(-1)?.depth, 19_999);
  });
});
