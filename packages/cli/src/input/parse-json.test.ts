import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { parseJson } from './parse-json.ts';

describe('text that is not JSON', () => {
  for (const [text, expected] of [
    ['{"a":1,}', '--data is not JSON, at column 8: unexpected "}", after "{\\"a\\":1,".'],
    ["{'a':1}", '--data is not JSON, at column 2: unexpected "\'", after "{".'],
    ['{"a":', '--data is not JSON, at column 6: it ends too early.'],
    ['"open', '--data is not JSON, at column 6: it ends too early.'],
    ['nope', '--data is not JSON, at column 2: unexpected "o", after "n".'],
    [
      '{\n  "a": 1\n  "b": 2\n}',
      '--data is not JSON, at line 3, column 3: unexpected "\\"", after "{\\n  \\"a\\": 1\\n  ".',
    ],
    ['', '--data is not JSON: it is empty.'],
    ['}', '--data is not JSON, at column 1: unexpected "}", after the beginning.'],
  ] as const) {
    it(`is refused where it goes wrong: ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseJson(text, '--data'), { message: expected, code: 'usage', exitCode: 2 });
    });
  }
});
