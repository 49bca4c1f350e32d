import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { judge, type Mutant } from './mutants.ts';

const mutants: readonly Mutant[] = [
  {
    name: 'R18 a digest over one column only is found out',
    file: 'read-model/rows.ts',
    edits: [
      {
        says: '  return Object.keys(row)\n    .toSorted()\n',
        instead: '  return Object.keys(row)\n    .toSorted()\n    .slice(0, 1)\n',
      },
    ],
    test: { file: 'verify.test.ts', name: 'verify on SQLite R18' },
  },
  {
    name: 'R13 a checkpoint that moves before the rows are there is found out',
    file: 'read-model/project.ts',
    edits: [
      {
        says: '  await db.transaction().execute((tx) => projectWithin(tx, batch, projecting));\n',
        instead:
          '  await advance(booksOf(db), batch, projecting);\n' +
          '  await db.transaction().execute((tx) => handleAll(tx, batch.events, projecting));\n',
      },
    ],
    test: { file: 'kill.test.ts', name: 'killed on SQLite R13' },
  },
  {
    name: 'R19 a lease without a token is found out',
    file: 'read-model/project.ts',
    edits: [
      { says: "    .where('token', '=', token)\n", instead: '' },
      // The trail would notice: no event is twice in it.
      {
        says: "  await books.insertInto('daybook_read_model_trail').values({ model: name, position, event_id: id }).execute();\n",
        instead: '',
      },
    ],
    test: { file: 'run.test.ts', name: 'on SQLite O-4 R19' },
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
