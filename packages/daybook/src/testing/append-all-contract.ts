import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import type { ExpectedState } from '../store/expected-revision.ts';
import type { StreamAppend } from '../store/options.ts';
import { revision } from '../store/position.ts';
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

/** What an append to several streams at once does. */
export const appendAllContract: ContractSuite = {
  name: 'append to several streams',
  cases: [
    {
      name: 'several streams are appended to in one transaction, each with its own expectation',
      needs: ['append-all'],
      run: async ({ store }) => {
        const [created, extended, anywhere] = [newStream(), newStream(), newStream()];
        await store.append(extended, numbered(2), { expected: 'no-stream' });
        const answer = await store.appendAll([
          { stream: created, events: numbered(2), expected: 'no-stream' },
          { stream: extended, events: numbered(1), expected: revision(1) },
          { stream: anywhere, events: numbered(1), expected: 'any' },
        ]);
        const places = await Promise.all([created, extended, anywhere].map(async (stream) => read(store, stream)));
        assert.deepEqual(
          answer.streams,
          [created, extended, anywhere].map((stream, index) => ({
            stream,
            firstRevision: [0n, 2n, 0n][index],
            revision: [1n, 2n, 0n][index],
            position: places[index]?.at(-1)?.position,
          })),
        );
        assert.equal(answer.position, answer.streams[2]?.position);
        assert.equal(answer.outcome, 'appended');
      },
    },
    {
      name: 'one that does not say what it expects of each stream is refused, and appends to none',
      needs: ['append-all'],
      run: async ({ store }) => {
        const [said, unsaid] = [newStream(), newStream()];
        const appends = [
          { stream: said, events: numbered(1), expected: 'any' },
          { stream: unsaid, events: numbered(1) },
        ] as readonly StreamAppend[]; // What somebody without types may write.
        await refused('invalid-option', () => store.appendAll(appends));
        assert.equal((await store.streamState(said)).status, 'no-stream');
      },
    },
    {
      name: 'its events stand in the log together, in the order given',
      needs: ['append-all'],
      run: async ({ store }) => {
        const category = newCategory();
        const [a, b] = [newStream(category), newStream(category)];
        const events = numbered(5);
        const [first, second, third, fourth, fifth] = events;
        await store.appendAll([
          { stream: a, events: [first!, second!], expected: 'no-stream' },
          { stream: b, events: [third!], expected: 'no-stream' },
          { stream: a, events: [fourth!, fifth!], expected: 'no-stream' },
        ]);
        assert.deepEqual(await idsOfPrefix(store, category), idsOf(events));
        assert.deepEqual(revisionsOf(await read(store, a)), [0n, 1n, 2n, 3n]);
      },
    },
    {
      name: 'one expectation that fails keeps everything out',
      needs: ['append-all'],
      run: async ({ store }) => {
        const category = newCategory();
        const [a, b] = [newStream(category), newStream(category)];
        const error = await refused('wrong-expected-revision', () =>
          store.appendAll([
            { stream: a, events: numbered(1), expected: 'no-stream' },
            { stream: b, events: numbered(1), expected: revision(7) },
          ]),
        );
        assert.deepEqual(factsOf(error, 'stream', 'expected', 'actual'), {
          stream: b,
          expected: 7n,
          actual: 'no-stream',
        });
        assert.deepEqual(await idsOfPrefix(store, category), []);
      },
    },
    {
      name: 'one event that cannot be stored keeps everything out',
      needs: ['append-all'],
      run: async ({ store }) => {
        const [a, b] = [newStream(), newStream()];
        await refused('invalid-event', () =>
          store.appendAll([
            { stream: a, events: numbered(1), expected: 'any' },
            { stream: b, events: [{ ...one('Bad'), id: '' }], expected: 'any' },
          ]),
        );
        assert.deepEqual(await read(store, a), []);
      },
    },
    {
      name: 'all that does not hold is reported, not only the first',
      needs: ['append-all', 'append-all-checks'],
      run: async ({ store }) => {
        const [a, b, checked] = [newStream(), newStream(), newStream()];
        await store.append(a, numbered(2), { expected: 'no-stream' });
        const error = await refused('wrong-expected-revision', () =>
          store.appendAll(
            [
              { stream: a, events: numbered(1), expected: 'no-stream' },
              { stream: b, events: numbered(1), expected: 'stream-exists' },
            ],
            { checks: [{ stream: checked, expected: revision(3) }] },
          ),
        );
        assert.deepEqual(Reflect.get(error, 'violations'), [
          { stream: a, expected: 'no-stream', actual: 1n, isDeleted: false },
          { stream: b, expected: 'stream-exists', actual: 'no-stream', isDeleted: false },
          { stream: checked, expected: 3n, actual: 'no-stream', isDeleted: false },
        ]);
      },
    },
    {
      name: 'a check is about a stream that is not appended to, and refuses the whole append',
      needs: ['append-all', 'append-all-checks'],
      run: async ({ store }) => {
        const [stream, checked] = [newStream(), newStream()];
        await store.append(checked, numbered(2), { expected: 'no-stream' });
        const events = numbered(1);
        await refused('wrong-expected-revision', () =>
          store.appendAll([{ stream, events, expected: 'any' }], {
            checks: [{ stream: checked, expected: revision(0) }],
          }),
        );
        assert.deepEqual(await read(store, stream), []);
        const { streams } = await store.appendAll([{ stream, events, expected: 'any' }], {
          checks: [{ stream: checked, expected: revision(1) }],
        });
        assert.deepEqual(
          streams.map((written) => written.stream),
          [stream],
        );
        assert.equal((await read(store, checked)).length, 2);
      },
    },
    {
      name: 'an append without events only checks',
      needs: ['append-all', 'append-all-checks'],
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(1), { expected: 'no-stream' });
        const answer = await store.appendAll([], { checks: [{ stream, expected: revision(0) }] });
        assert.deepEqual([answer.streams, answer.position], [[], undefined]);
        await refused('wrong-expected-revision', () =>
          store.appendAll([], { checks: [{ stream, expected: 'no-stream' }] }),
        );
      },
    },
    {
      name: 'a check holds for a stream in exactly these states',
      needs: ['append-all', 'append-all-checks'],
      run: async ({ store }) => {
        const [there, absent, deleted, tombstoned] = [newStream(), newStream(), newStream(), newStream()];
        for (const stream of [there, deleted, tombstoned]) {
          await store.append(stream, numbered(3), { expected: 'no-stream' });
        }
        await store.deleteStream(deleted, { expected: 'any' });
        await store.tombstoneStream(tombstoned, { expected: 'any' });
        const holds: readonly [ExpectedState, readonly string[]][] = [
          [revision(2), [there, deleted]],
          [revision(1), []],
          ['no-stream', [absent, deleted, tombstoned]],
          ['stream-exists', [there]],
          ['deleted', [deleted]],
          ['tombstoned', [tombstoned]],
        ];
        for (const [expected, streams] of holds) {
          for (const stream of [there, absent, deleted, tombstoned]) {
            const checking = (): Promise<unknown> => store.appendAll([], { checks: [{ stream, expected }] });
            if (streams.includes(stream)) await checking();
            else await refused('wrong-expected-revision', checking);
          }
        }
      },
    },
    {
      name: 'the same append again gives the first answer, even when its checks no longer hold',
      needs: ['append-all', 'append-all-checks'],
      run: async ({ store }) => {
        const [a, b, checked] = [newStream(), newStream(), newStream()];
        const appends = [
          { stream: a, events: numbered(2), expected: 'no-stream' },
          { stream: b, events: numbered(1), expected: 'no-stream' },
        ] as const;
        const checks = [{ stream: checked, expected: 'no-stream' }] as const;
        const first = await store.appendAll(appends, { checks });
        await store.append(checked, numbered(1), { expected: 'any' });
        const again = await store.appendAll(appends, { checks });
        assert.deepEqual([again.streams, again.position], [first.streams, first.position]);
        assert.deepEqual(await idsIn(store, a), idsOf(appends[0].events));
      },
    },
    {
      name: 'what is a repeat for some streams only is refused',
      needs: ['append-all'],
      run: async ({ store }) => {
        const [a, b] = [newStream(), newStream()];
        const events = numbered(1);
        await store.append(a, events, { expected: 'no-stream' });
        await refused('wrong-expected-revision', () =>
          store.appendAll([
            { stream: a, events, expected: 'no-stream' },
            { stream: b, events: numbered(1), expected: 'no-stream' },
          ]),
        );
        assert.deepEqual(await read(store, b), []);
      },
    },
    {
      name: 'one stream cannot be expected in two states',
      needs: ['append-all'],
      run: async ({ store }) => {
        const stream = newStream();
        await refused('invalid-option', () =>
          store.appendAll([
            { stream, events: numbered(1), expected: 'no-stream' },
            { stream, events: numbered(1), expected: 'any' },
          ]),
        );
        assert.deepEqual(await read(store, stream), []);
      },
    },
    {
      name: 'nothing is appended to a derived stream, and nothing beside it',
      needs: ['append-all'],
      run: async ({ store }) => {
        const stream = newStream();
        await refused('read-only-stream', () =>
          store.appendAll([
            { stream, events: numbered(1), expected: 'any' },
            { stream: streamName(`$bc-${randomUUID()}`), events: numbered(1), expected: 'any' },
          ]),
        );
        assert.deepEqual(await read(store, stream), []);
      },
    },
    {
      name: 'a tombstoned stream refuses the append, a deleted one comes back',
      needs: ['append-all'],
      run: async ({ store }) => {
        const [deleted, tombstoned] = [newStream(), newStream()];
        await store.append(deleted, numbered(3), { expected: 'no-stream' });
        await store.deleteStream(deleted, { expected: 'any' });
        await store.tombstoneStream(tombstoned, { expected: 'any' });
        const error = await refused('wrong-expected-revision', () =>
          store.appendAll([
            { stream: deleted, events: numbered(1), expected: 'any' },
            { stream: tombstoned, events: numbered(1), expected: 'any' },
          ]),
        );
        assert.deepEqual(factsOf(error, 'stream', 'actual'), { stream: tombstoned, actual: 'tombstoned' });
        assert.equal((await store.streamState(deleted)).status, 'deleted');
        const { streams } = await store.appendAll([
          { stream: deleted, events: numbered(1), expected: 'no-stream' },
          { stream: newStream(), events: numbered(1), expected: 'no-stream' },
        ]);
        assert.equal(streams[0]?.firstRevision, 3n);
        assert.deepEqual(revisionsOf(await read(store, deleted)), [3n]);
      },
    },
  ],
};
