import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { convertFilter } from './convert-filter.ts';

describe('a filter in the words of the clients', () => {
  it('names prefixes', () => {
    const { filterOn, prefixes } = convertFilter({ streamPrefixes: ['Order', 'Cart'] });
    assert.deepEqual([filterOn, prefixes], ['streamName', ['Order', 'Cart']]);
    assert.equal(convertFilter({ eventTypePrefixes: ['Order'] })['filterOn'], 'eventType');
  });

  it('takes a category for the names that begin with it and a hyphen', () => {
    assert.deepEqual(convertFilter({ categories: ['Order', ''] })['prefixes'], ['Order-']);
  });

  it('takes event types for an expression that matches them and nothing else', () => {
    const { regex } = convertFilter({ eventTypes: ['Order.Shipped', 'a|b', '$>'] });
    const expression = new RegExp(String(regex));
    for (const type of ['Order.Shipped', 'a|b', '$>']) assert.ok(expression.test(type), type);
    for (const type of ['OrderXShipped', 'Order.Shipped2', 'a', 'b', '']) assert.ok(!expression.test(type), type);
  });

  it('lets nothing through when it lists nothing: an empty list means everything to a server', () => {
    for (const filter of [{ streamPrefixes: [] }, { eventTypePrefixes: [] }, { categories: [] }, { eventTypes: [] }]) {
      const { regex, prefixes } = convertFilter(filter);
      assert.equal(prefixes, undefined);
      assert.ok(!new RegExp(String(regex)).test('x'));
    }
  });

  it('of several fields sends the one that lets the least through, and of none what lets everything through', () => {
    const both = convertFilter({ categories: ['Order'], eventTypes: ['Shipped'] });
    assert.deepEqual([both['filterOn'], both['regex']], ['eventType', '^(?:Shipped)$']);
    const prefix = convertFilter({ eventTypePrefixes: ['Ship'], categories: ['Order'] });
    assert.deepEqual([prefix['filterOn'], prefix['prefixes']], ['streamName', ['Order-']]);
    assert.deepEqual(convertFilter({})['prefixes'], ['']);
  });

  it('asks for a checkpoint after so many events', () => {
    const { checkpointInterval, maxSearchWindow } = convertFilter({ streamPrefixes: ['a'] }, 250);
    assert.deepEqual([checkpointInterval, maxSearchWindow], [1, 250]);
  });
});
