import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { cannotStartPostgres } from '../services/postgres.ts';
import { judge, type Mutant } from './mutants.ts';

const simulation = { file: 'simulation.test.ts', name: 'R22: whatever happens' };

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
        says:
          '    await inTransaction(db, projecting, async (tx, watchdog) => {\n' +
          '      await advance(booksOf(tx), batch, projecting);\n',
        instead:
          '    await advance(booksOf(db), batch, projecting);\n' +
          '    await inTransaction(db, projecting, async (tx, watchdog) => {\n',
      },
    ],
    test: { file: 'kill.test.ts', name: 'killed on SQLite R13' },
  },
  {
    name: 'R18 B2 a walk that begins anew in each round is found out',
    file: 'read-model/verifying.ts',
    edits: [
      {
        says: 'place: place === undefined ? firstPlace(model) : { ...place, round: begun.round + 1 },',
        instead: 'place: firstPlace(model),',
      },
    ],
    test: { file: 'continuous.test.ts', name: 'verify continuously on SQLite R18 B2 finds' },
  },
  {
    name: 'R18 B2 a walk that looks only at rows which the log makes is found out',
    file: 'read-model/rounds.ts',
    edits: [
      {
        says: '    const found = await rowsIn(side, name, shape, { after, to, atMost: isLive ? 2 * pageRows : everyRow });\n',
        instead: '    const found = await rowsWithKeys(side, name, shape, ahead);\n',
      },
    ],
    test: { file: 'continuous.test.ts', name: 'verify continuously on SQLite R18 B2 finds' },
  },
  {
    name: 'R18 B2 rows that events touched and nobody compares are found out',
    file: 'read-model/verifying.ts',
    edits: [
      { says: '    if (from !== undefined) {\n', instead: '    if (from === undefined) {\n' },
      { says: 'compareTouched(options, { from,', instead: 'compareTouched(options, { from: at,' },
    ],
    test: { file: 'continuous.test.ts', name: 'verify continuously on SQLite compares what events touch' },
  },
  {
    name: 'R18 B2 rows that are compared at another position are found out',
    file: 'read-model/rounds.ts',
    edits: [
      {
        says: '  yield* follow(copy, checkpoint);\n',
        instead: '  if (false as boolean) yield* follow(copy, checkpoint);\n',
      },
    ],
    test: { file: 'continuous.test.ts', name: 'verify continuously on SQLite compares what events touch' },
  },
  {
    name: 'R18 B2 a copy that is folded anew after each restart is found out',
    file: 'read-model/standing-copy.ts',
    edits: [
      { says: '    if (!(await canGoOn(', instead: '    if (await canGoOn(' },
      { says: 'checkpoint: before }))) await', instead: 'checkpoint: before })) await' },
    ],
    test: { file: 'continuous.test.ts', name: 'verify continuously on SQLite goes on after a restart' },
  },
  {
    name: 'R18 B2 a watch that does not look at the harmony is found out',
    file: 'consumer/watch/rules.ts',
    edits: [
      {
        says: '...harmonyConditions(look, options, nowMs)',
        instead: '...harmonyConditions(look, options, 0).slice(0, 0)',
      },
    ],
    test: { file: 'continuous.test.ts', name: 'verify continuously on SQLite B2 a watch' },
  },
  {
    name: 'R19 a lease without a token is found out',
    file: 'read-model/project.ts',
    edits: [
      { says: "    .where('token', '=', token)\n", instead: '' },
      // What else only the owner knows would keep the other one out.
      { says: "    .where('owner', '=', owner)\n", instead: '' },
      { says: "    .where('position', batch.after === undefined ? 'is' : '=', batch.after ?? null)\n", instead: '' },
      // The trail would notice: no event is twice in it.
      {
        says: "  await books.insertInto('daybook_read_model_trail').values({ model: name, position, event_id: id }).execute();\n",
        instead: '',
      },
    ],
    test: { file: 'run.test.ts', name: 'on SQLite O-4 R19' },
  },
  {
    name: 'R14 a read model that gives up on a database that is away is found out',
    file: 'read-model/model-runner.ts',
    edits: [{ says: 'this.#outages += 1;', instead: 'this.#outages += 0;' }],
    test: { file: 'outage.test.ts', name: 'R14: it refuses' },
  },
  {
    name: 'R14 a read model that says something new with every try is found out: nobody would be told in time',
    file: 'read-model/run-state.ts',
    edits: [
      {
        says: "    if (state === 'catching-up' && this.#state === 'retrying' && this.#failures > 0) return;\n",
        instead: '',
      },
    ],
    test: { file: 'outage.test.ts', name: 'R14: a handler that goes on failing' },
  },
  {
    name: 'R22 a checkpoint outside of the transaction is found out by the simulation',
    file: 'read-model/project.ts',
    edits: [
      {
        says:
          '    await inTransaction(db, projecting, async (tx, watchdog) => {\n' +
          '      await advance(booksOf(tx), batch, projecting);\n',
        instead:
          '    await advance(booksOf(db), batch, projecting);\n' +
          '    await inTransaction(db, projecting, async (tx, watchdog) => {\n',
      },
    ],
    test: simulation,
  },
  {
    name: 'R22 a lease that nobody looks at is found out by the simulation',
    file: 'read-model/project.ts',
    edits: [
      { says: "    .where('token', '=', token)\n", instead: '' },
      { says: "    .where('owner', '=', owner)\n", instead: '' },
    ],
    test: simulation,
  },
  {
    name: 'R22 an error that is swallowed after some tries is found out by the simulation',
    file: 'read-model/model-runner.ts',
    edits: [
      {
        says: '      if (before.length > 0) await this.#projectPage(numbers, before, projecting);\n      throw error;\n',
        instead: '      if (before.length === 0 && this.#state.status().failures < 2) throw error;\n',
      },
    ],
    test: simulation,
  },
  {
    name: 'R22 a database that is put back under a living instance is found out by the simulation',
    file: 'read-model/project.ts',
    edits: [
      { says: "    .where('position', batch.after === undefined ? 'is' : '=', batch.after ?? null)\n", instead: '' },
    ],
    test: simulation,
  },
  {
    name: 'R22 a log that is put back under a living instance is found out by the simulation',
    file: 'read-model/model-runner.ts',
    edits: [
      {
        says: '      if (now.logId !== log.logId || now.epoch !== log.epoch || (seen !== undefined && head < seen)) return;\n',
        instead: '',
      },
    ],
    test: simulation,
  },
  {
    name: 'O-10 events that overtake each other are found out',
    file: 'read-model/line.ts',
    edits: [{ says: 'if (index < this.#latest || ', instead: 'if (' }],
    test: { file: 'run-ahead.test.ts', name: 'do not wait for each other are called again' },
    needs: 'postgres',
  },
];

/** In CI all of them, else the first of those that one test finds. */
const due =
  process.env['CI'] === 'true'
    ? mutants
    : [...Map.groupBy(mutants, ({ test }) => test.name).values()].flatMap(([first]) => first ?? []);

describe('a read model that is broken on purpose', () => {
  for (const mutant of due) {
    const skip = mutant.needs === 'postgres' && cannotStartPostgres();
    it(mutant.name, { skip }, async () => {
      const { isFound, said } = await judge(mutant);
      assert.ok(isFound, said.slice(-2_000));
    });
  }
});
