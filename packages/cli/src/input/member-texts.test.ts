import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { memberTexts } from './member-texts.ts';

describe('the members of a line', () => {
  it('are the text that stands there, not what a parser makes of it', () => {
    const line = '{"a": 1.0 ,"b":{"x":[1,"}\\"]"]},"c":"\\u00e9\\\\","d":12345678901234567890,"e":[ ],"f":null}';
    assert.deepEqual(Object.fromEntries(memberTexts(line)), {
      a: '1.0',
      b: '{"x":[1,"}\\"]"]}',
      c: '"\\u00e9\\\\"',
      d: '12345678901234567890',
      e: '[ ]',
      f: 'null',
    });
  });

  it('are none in an empty object', () => {
    assert.equal(memberTexts(' { } ').size, 0);
  });

  it('are found by the name that is written with escapes', () => {
    assert.equal(memberTexts('{"d\\u0061ta":{"k":true}}').get('data'), '{"k":true}');
  });

  it('are the last ones of those with the same name, as for a parser', () => {
    assert.equal(memberTexts('{"a":1,"a":2}').get('a'), '2');
  });
});
