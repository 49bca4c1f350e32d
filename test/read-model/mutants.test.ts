import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { judge, type Mutant } from './mutants.ts';

const mutants: readonly Mutant[] = [
  {
    name: 'R18 a digest over one column only is found out',
    file: 'read-model/rows.ts',
    says: '  return Object.keys(row)\n    .toSorted()\n',
    instead: '  return Object.keys(row)\n    .toSorted()\n    .slice(0, 1)\n',
    test: { file: 'verify.test.ts', name: 'verify on SQLite R18' },
  },
];

describe('a read model that is broken on purpose', () => {
  for (const mutant of mutants) {
    it(mutant.name, async () => {
      const { isFound, said } = await judge(mutant);
      assert.ok(isFound, said.slice(-2_000));
    });
  }
});
