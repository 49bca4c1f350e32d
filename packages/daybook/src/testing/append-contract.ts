import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { jsonEvent } from '../store/json-event.ts';
import type { AppendOptions } from '../store/options.ts';
import { revision } from '../store/position.ts';
import { setStreamMetadata } from '../store/stream-metadata.ts';
import { streamName } from '../store/stream-name.ts';
import type { ContractSuite } from './contract-case.ts';
import {
  factsOf,
  idsIn,
  idsOf,
  idsOfPrefix,
  newCategory,
  newStream,
  numbered,
  one,
  read,
  refused,
  revisionsOf,
} from './contract-tools.ts';

/** What an append does and what it refuses. */
export const appendContract: ContractSuite = {
  name: 'append',
  cases: [
    {
      name: 'an append to a new stream begins at revision 0 and says where its last event is',
      run: async ({ store }) => {
        const stream = newStream();
        const appended = await store.append(stream, numbered(3), { expected: 'no-stream' });
        const last = (await read(store, stream)).at(-1);
        assert.deepEqual(appended, {
          outcome: 'appended',
          firstRevision: 0n,
          revision: 2n,
          position: last?.position,
        });
      },
    },
    {
      name: 'the next append goes on where the last one ended',
      run: async ({ store }) => {
        const stream = newStream();
        const first = await store.append(stream, numbered(2), { expected: 'no-stream' });
        const second = await store.append(stream, numbered(2), { expected: first.revision });
        assert.deepEqual([second.firstRevision, second.revision], [2n, 3n]);
        assert.ok(second.position > first.position);
      },
    },
    {
      name: 'the events of one append stand together, in order, in the stream and in the log',
      run: async ({ store }) => {
        const category = newCategory();
        const events = numbered(50);
        await store.append(newStream(category), events, { expected: 'no-stream' });
        assert.deepEqual(await idsOfPrefix(store, category), idsOf(events));
      },
    },
    {
      name: 'an append is there when it is acknowledged, for every read that begins then',
      run: async ({ store }) => {
        const stream = newStream();
        for (let count = 1; count <= 20; count += 1) {
          const { revision: last } = await store.append(stream, numbered(1), { expected: 'any' });
          assert.equal(last, BigInt(count - 1));
          assert.equal((await read(store, stream)).length, count);
        }
      },
    },
    {
      name: "'no-stream' is refused when the stream is there, and says where it is",
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(2), { expected: 'no-stream' });
        const error = await refused('wrong-expected-revision', () =>
          store.append(stream, numbered(1), { expected: 'no-stream' }),
        );
        assert.deepEqual(factsOf(error, 'stream', 'expected', 'actual', 'violations'), {
          stream,
          expected: 'no-stream',
          actual: 1n,
          violations: [{ stream, expected: 'no-stream', actual: 1n, isDeleted: false }],
        });
        assert.equal((await read(store, stream)).length, 2);
      },
    },
    {
      name: 'A-I4: a revision before or after the last one is refused, and says where the stream is',
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(3), { expected: 'no-stream' });
        for (const wrong of [0n, 1n, 3n, 4n, 1_000_000n]) {
          const error = await refused('wrong-expected-revision', () =>
            store.append(stream, numbered(1), { expected: revision(wrong) }),
          );
          assert.deepEqual(factsOf(error, 'expected', 'actual'), { expected: wrong, actual: 2n });
        }
        assert.deepEqual(revisionsOf(await read(store, stream)), [0n, 1n, 2n]);
      },
    },
    {
      name: 'a revision is refused when there is no stream',
      run: async ({ store }) => {
        const stream = newStream();
        const error = await refused('wrong-expected-revision', () =>
          store.append(stream, numbered(1), { expected: revision(0) }),
        );
        assert.deepEqual(factsOf(error, 'expected', 'actual'), { expected: 0n, actual: 'no-stream' });
      },
    },
    {
      name: "'stream-exists' is refused when there is no stream",
      run: async ({ store }) => {
        const stream = newStream();
        const error = await refused('wrong-expected-revision', () =>
          store.append(stream, numbered(1), { expected: 'stream-exists' }),
        );
        assert.deepEqual(factsOf(error, 'expected', 'actual'), { expected: 'stream-exists', actual: 'no-stream' });
        assert.deepEqual(await read(store, stream), []);
      },
    },
    {
      name: "'stream-exists' is enough when the stream is there, wherever it is",
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(2), { expected: 'no-stream' });
        const { revision: last } = await store.append(stream, numbered(1), { expected: 'stream-exists' });
        assert.equal(last, 2n);
      },
    },
    {
      name: 'a stream with nothing but metadata exists, and its first event is still revision 0',
      run: async ({ store }) => {
        const stream = newStream();
        await setStreamMetadata(store, stream, { metadata: { custom: { owner: 'us' } }, expected: 'no-stream' });
        const { firstRevision } = await store.append(stream, numbered(1), { expected: 'stream-exists' });
        assert.equal(firstRevision, 0n);
      },
    },
    {
      name: "'any' creates a stream and goes on with it",
      run: async ({ store }) => {
        const stream = newStream();
        const first = await store.append(stream, numbered(1), { expected: 'any' });
        const second = await store.append(stream, numbered(1), { expected: 'any' });
        assert.deepEqual([first.revision, second.revision], [0n, 1n]);
      },
    },
    {
      name: 'a writer that does not say what it expects is refused: nothing is guessed',
      run: async ({ store }) => {
        const stream = newStream();
        for (const options of [{}, { expected: 'whatever' }, { expected: 0 }] as unknown as AppendOptions[]) {
          await refused('invalid-option', () => store.append(stream, numbered(1), options));
          await refused('invalid-option', () => store.deleteStream(stream, options));
          await refused('invalid-option', () => store.tombstoneStream(stream, options));
        }
        assert.equal((await store.streamState(stream)).status, 'no-stream');
      },
    },
    {
      name: 'an append is all or nothing: one event that cannot be stored keeps the others out',
      run: async ({ store }) => {
        const stream = newStream();
        const events = [...numbered(2), { ...one('Bad'), id: 'not a UUID' }, ...numbered(2)];
        await refused('invalid-event', () => store.append(stream, events, { expected: 'any' }));
        assert.deepEqual(await read(store, stream), []);
        const { firstRevision } = await store.append(stream, numbered(1), { expected: 'no-stream' });
        assert.equal(firstRevision, 0n);
      },
    },
    {
      name: 'the same id may stand in two streams',
      run: async ({ store }) => {
        const event = one('Shared');
        const streams = [newStream(), newStream()] as const;
        for (const stream of streams) await store.append(stream, [event], { expected: 'no-stream' });
        for (const stream of streams) assert.deepEqual(await idsIn(store, stream), [event.id]);
      },
    },
    {
      name: 'an id is kept in lower case',
      run: async ({ store }) => {
        const stream = newStream();
        const id = randomUUID();
        await store.append(stream, [{ ...one('Loud'), id: id.toUpperCase() }], { expected: 'any' });
        assert.deepEqual(await idsIn(store, stream), [id]);
      },
    },
    {
      name: 'any text names a stream and a type: spaces, signs, other scripts',
      run: async ({ store }) => {
        const category = newCategory();
        const names = [
          ' ',
          '@',
          '0@x',
          'a/b?c=d#e%20',
          '"\\\'`',
          'größe',
          '注文',
          '🛒',
          'Z\u0308',
          '\u0000\u001f',
          '--',
        ];
        for (const text of names) {
          const stream = streamName(`${category}-${text}`);
          await store.append(stream, [one(`Type ${text}`)], { expected: 'no-stream' });
          const [event] = await read(store, stream);
          assert.deepEqual([event?.stream, event?.type], [stream, `Type ${text}`]);
        }
        assert.equal((await read(store, `$ce-${category}`)).length, names.length);
      },
    },
    {
      name: 'names that differ only in case, or in how they are composed, are two streams',
      run: async ({ store }) => {
        const category = newCategory();
        const names = ['abc', 'ABC', '\u00e9', 'e\u0301'].map((text) => streamName(`${category}-${text}`));
        for (const stream of names) await store.append(stream, numbered(1), { expected: 'no-stream' });
        for (const stream of names) assert.equal((await read(store, stream)).length, 1);
      },
    },
    {
      name: 'a system stream that is not derived takes events like any other',
      run: async ({ store }) => {
        const stream = streamName(`$contract-${randomUUID()}`);
        await store.append(stream, numbered(2), { expected: 'no-stream' });
        assert.deepEqual(revisionsOf(await read(store, stream)), [0n, 1n]);
      },
    },
    {
      name: 'nothing is appended to $all or to a derived stream',
      run: async ({ store }) => {
        for (const name of ['$all', '$ce-Order', '$et-Ordered', '$streams', '$category-Order', `$bc-${randomUUID()}`]) {
          const stream = streamName(name);
          const error = await refused('read-only-stream', () => store.append(stream, numbered(1), { expected: 'any' }));
          assert.equal(Reflect.get(error, 'stream'), name);
        }
      },
    },
    {
      name: 'what an append took is there when the store is opened again',
      needs: ['durability'],
      run: async ({ store, reopen }) => {
        const stream = newStream();
        const events = [...numbered(20), jsonEvent({ type: 'Last', data: { text: 'é' }, metadata: { by: 'us' } })];
        await store.append(stream, events, { expected: 'no-stream' });
        const before = await read(store, stream);
        const opened = await reopen();
        assert.deepEqual(await read(opened, stream), before);
        const { revision: last } = await opened.append(stream, numbered(1), { expected: revision(20) });
        assert.equal(last, 21n);
      },
    },
  ],
};
