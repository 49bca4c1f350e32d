import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { jsonEvent, streamName, type EventStore, type Position } from 'daybook';
import { openMemoryStore } from 'daybook/memory';
import { readModel, runReadModel, verifyReadModel, type ReadModel } from 'daybook/read-model';

import { databaseKindsOfLongTests } from './databases.ts';
import { makeNotes, note, type NoteTables } from './notes.ts';

const patienceMs = 60_000;
const many = 1_003;
const categories = Array.from({ length: many }, (_, index) => `Note${String(index).padStart(4, '0')}`);

function manyNotes(): ReadModel {
  return readModel('notes', {
    from: categories.map((category) => `$ce-${category}`),
    tables: { notes: { key: ['id'] } },
    migrate: makeNotes,
    on: { Noted: (event, tx) => note(tx, event.stream, '.') },
  });
}

async function noteInAll(store: EventStore): Promise<Position> {
  let end: Position | undefined;
  for (const category of categories) {
    const event = jsonEvent({ type: 'Noted', data: {} });
    end = (await store.append(streamName(`${category}-1`), [event], { expected: 'any' })).position;
  }
  assert.ok(end !== undefined);
  return end;
}

for (const kind of databaseKindsOfLongTests()) {
  describe(`a read model of many sources on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it(`applies each event once when it is started again, also with ${many} sources`, async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<NoteTables>();
      for (const times of [1, 2]) {
        const end = await noteInAll(store);
        await using run = await runReadModel(store, manyNotes(), { db: database.db });
        await run.reached(end, { timeoutMs: patienceMs });
        const rows = await database.db.selectFrom('notes').select(['id', 'number']).orderBy('id').execute();
        assert.deepEqual(
          rows.map((row) => ({ ...row })),
          categories.map((category) => ({ id: `${category}-1`, number: times })),
        );
      }
      assert.equal((await verifyReadModel(store, manyNotes(), { db: database.db }).result()).differing, 0);
    });
  });
}
