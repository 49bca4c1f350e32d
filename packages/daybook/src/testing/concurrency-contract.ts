import assert from 'node:assert/strict';

import { jsonData, jsonEvent } from '../store/json-event.ts';
import type { Appended } from '../store/options.ts';
import type { ContractSuite } from './contract-case.ts';
import { all, factsOf, idsOf, newCategory, newStream, numbered, one, read, revisionsOf } from './contract-tools.ts';

/** What happens when much happens at once. */
export const concurrencyContract: ContractSuite = {
  name: 'concurrency',
  cases: [
    {
      name: 'A-I2: of 100 who create a stream at once, one wins and 99 are told where it is',
      run: async ({ store }) => {
        const stream = newStream();
        const results = await Promise.allSettled(
          Array.from({ length: 100 }, () => store.append(stream, [one('Created')], { expected: 'no-stream' })),
        );
        const refusals = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []));
        assert.equal(refusals.length, 99);
        for (const error of refusals) {
          assert.deepEqual(factsOf(error, 'code', 'actual'), { code: 'wrong-expected-revision', actual: 0n });
        }
        assert.equal((await read(store, stream)).length, 1);
      },
    },
    {
      name: 'A-I3: who was refused can see what happened instead, and go on',
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, [one('Created')], { expected: 'no-stream' });
        const lost = await store.append(stream, [one('Created')], { expected: 'no-stream' }).then(
          () => assert.fail('both won'),
          (error: unknown) => factsOf(error as Error, 'code', 'stream', 'actual'),
        );
        assert.deepEqual(lost, { code: 'wrong-expected-revision', stream, actual: 0n });
        assert.equal((await read(store, stream))[0]?.type, 'Created');
        await store.append(stream, [one('Extended')], { expected: lost['actual'] as Appended['revision'] });
        assert.equal((await read(store, stream)).length, 2);
      },
    },
    {
      name: 'A-I5: many who read and append at the revision they saw lose no update',
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, [jsonEvent({ type: 'Counted', data: 0 })], { expected: 'no-stream' });
        const add = async (): Promise<void> => {
          for (let attempt = 0; attempt < 1_000; attempt += 1) {
            const [last] = await read(store, stream, { direction: 'backwards', limit: 1 });
            const event = jsonEvent({ type: 'Counted', data: Number(jsonData(last!)) + 1 });
            try {
              await store.append(stream, [event], { expected: last!.revision });
              return;
            } catch (error) {
              assert.equal(Reflect.get(Object(error), 'code'), 'wrong-expected-revision');
            }
          }
          assert.fail('it never got its turn');
        };
        await Promise.all(
          Array.from({ length: 8 }, async () => {
            for (let i = 0; i < 10; i += 1) await add();
          }),
        );
        const counts = (await read(store, stream)).map((event) => jsonData(event));
        assert.deepEqual(
          counts,
          Array.from({ length: 81 }, (_, count) => count),
        );
      },
    },
    {
      name: '10,000 appends in one tick are all answered, each with a place of its own',
      run: async ({ store }) => {
        const category = newCategory();
        const streams = Array.from({ length: 100 }, () => newStream(category));
        const answers = await Promise.all(
          numbered(10_000).map((event, index) => store.append(streams[index % 100]!, [event], { expected: 'any' })),
        );
        assert.equal(new Set(answers.map(({ position }) => position)).size, 10_000);
        for (const stream of streams) {
          const found = await read(store, stream);
          assert.deepEqual(
            revisionsOf(found),
            Array.from({ length: 100 }, (_, index) => BigInt(index)),
          );
        }
        assert.equal((await all(store.readAll({ filter: { streamPrefixes: [category] } }))).length, 10_000);
      },
    },
    {
      name: 'appends that were not waited for are stored in the order they were made',
      run: async ({ store }) => {
        const stream = newStream();
        const events = numbered(500);
        await Promise.all(events.map((event) => store.append(stream, [event], { expected: 'any' })));
        assert.deepEqual(idsOf(await read(store, stream)), idsOf(events));
      },
    },
    {
      name: 'a refusal among appends made at once concerns nobody else',
      run: async ({ store }) => {
        const stream = newStream();
        const results = await Promise.allSettled(
          Array.from({ length: 60 }, (_, index) =>
            store.append(stream, index % 3 === 0 ? [{ ...one('Bad'), id: 'bad' }] : [one('Good')], {
              expected: index % 3 === 1 ? 'no-stream' : 'any',
            }),
          ),
        );
        const stored = results.filter(({ status }) => status === 'fulfilled').length;
        assert.equal(stored, 21);
        assert.equal((await read(store, stream)).length, stored);
      },
    },
    {
      name: 'no reader ever sees a part of an append',
      run: async ({ store }) => {
        const category = newCategory();
        const stream = newStream(category);
        const done = new AbortController();
        const appending = (async () => {
          for (let i = 0; i < 60; i += 1) await store.append(stream, numbered(7), { expected: 'any' });
          done.abort();
        })();
        while (!done.signal.aborted) {
          for (const name of [stream, `$ce-${category}`]) {
            const { length } = await read(store, name);
            assert.equal(length % 7, 0, `${length} events of ${name}`);
          }
        }
        await appending;
      },
    },
  ],
};
