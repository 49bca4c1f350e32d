import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { passes, type Filter } from './filter.ts';
import { streamName } from './stream-name.ts';

const samples = [
  ['Order-1', 'OrderPlaced'],
  ['Order-2', 'OrderShipped'],
  ['OrderLine-1', 'OrderLineAdded'],
  ['Order', 'OrderPlaced'],
  ['$Order-1', 'OrderPlaced'],
] as const;

/** The indexes of the samples that pass. */
function passing(filter: Filter | undefined): readonly number[] {
  const test = passes(filter);
  return samples.flatMap(([stream, type], index) => (test({ stream: streamName(stream), type }) ? [index] : []));
}

describe('filters', () => {
  it('none lets everything through, and so does one without a field', () => {
    for (const filter of [undefined, {}, { eventTypes: undefined }]) assert.deepEqual(passing(filter), [0, 1, 2, 3, 4]);
  });

  it('every field must hold', () => {
    assert.deepEqual(passing({ categories: ['Order'], eventTypes: ['OrderPlaced'] }), [0]);
    assert.deepEqual(passing({ streamPrefixes: ['Order'], eventTypePrefixes: ['OrderL', 'OrderP'] }), [0, 2, 3]);
    assert.deepEqual(passing({ streamMatches: /-1$/, eventTypeMatches: /Placed$/, categories: ['Order'] }), [0]);
    assert.deepEqual(passing({ categories: ['Order'], eventTypes: [] }), []);
  });

  it('a prefix of the stream is text, not a category', () => {
    assert.deepEqual(passing({ streamPrefixes: ['Order'] }), [0, 1, 2, 3]);
    assert.deepEqual(passing({ streamPrefixes: ['Order-', '$'] }), [0, 1, 4]);
    assert.deepEqual(passing({ streamPrefixes: [] }), []);
  });

  it('a category is what stands before the hyphen, of ordinary streams', () => {
    assert.deepEqual(passing({ categories: ['Order'] }), [0, 1]);
    assert.deepEqual(passing({ categories: ['OrderLine', 'Other'] }), [2]);
    assert.deepEqual(passing({ categories: [] }), []);
  });

  it('a type is whole, a prefix of a type is not', () => {
    assert.deepEqual(passing({ eventTypes: ['OrderPlaced'] }), [0, 3, 4]);
    assert.deepEqual(passing({ eventTypePrefixes: ['OrderL', 'OrderS'] }), [1, 2]);
  });

  it('an expression may match anywhere', () => {
    assert.deepEqual(passing({ streamMatches: /-1$/ }), [0, 2, 4]);
    assert.deepEqual(passing({ eventTypeMatches: /ed$/ }), [0, 1, 2, 3, 4]);
    assert.deepEqual(passing({ eventTypeMatches: /^Line/ }), []);
  });

  it('with a field that there is not is refused: it would let every event pass', () => {
    const misspelt = { eventType: ['Placed'] } as object; // As JavaScript may have it.
    assert.throws(() => passes(misspelt), { code: 'invalid-option', option: 'filter' });
  });
});
