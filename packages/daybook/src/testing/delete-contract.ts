import assert from 'node:assert/strict';

import type { EventStore } from '../store/event-store.ts';
import { revision, tombstoneRevision } from '../store/position.ts';
import { deletedBody, deletedTruncateBefore, setStreamMetadata, tombstoneType } from '../store/stream-metadata.ts';
import { metadataStreamOf, streamName, type StreamName } from '../store/stream-name.ts';
import type { ContractSuite } from './contract-case.ts';
import { all, factsOf, newStream, numbered, read, refused, revisionsOf } from './contract-tools.ts';

/** How streams are deleted, come back, and are closed for good. */
export const deleteContract: ContractSuite = {
  name: 'delete and tombstone',
  cases: [
    {
      name: 'a deleted stream gives nothing and says that it is deleted',
      run: async ({ store }) => {
        const stream = await streamOfThree(store);
        const { position } = await store.deleteStream(stream, { expected: revision(2) });
        assert.deepEqual(await read(store, stream), []);
        assert.deepEqual(await read(store, stream, { direction: 'backwards' }), []);
        const state = await store.streamState(stream);
        assert.deepEqual([state.status, state.revision, state.firstRevision], ['deleted', 2n, undefined]);
        assert.ok(position > state.position!);
      },
    },
    {
      name: 'a deletion is an event of the metadata, with the body that KurrentDB gives it',
      run: async ({ store }) => {
        const stream = await streamOfThree(store);
        const { position } = await store.deleteStream(stream, { expected: 'any' });
        const [event] = await read(store, metadataStreamOf(stream));
        assert.deepEqual([event?.type, event?.position], ['$metadata', position]);
        assert.equal(Buffer.from(event?.data ?? []).toString(), deletedBody);
      },
    },
    {
      name: 'a deleted stream goes on after its last revision, and shows only what is new',
      run: async ({ store }) => {
        for (const expected of ['any', 'no-stream', revision(2)] as const) {
          const stream = await streamOfThree(store);
          await store.deleteStream(stream, { expected: 'any' });
          const { firstRevision } = await store.append(stream, numbered(2), { expected });
          assert.equal(firstRevision, 3n);
          assert.deepEqual(revisionsOf(await read(store, stream)), [3n, 4n]);
          const { status, metadata } = await store.streamState(stream);
          assert.deepEqual([status, metadata.truncateBefore], ['exists', 3n]);
        }
      },
    },
    {
      name: "a deleted stream refuses 'stream-exists', and other revisions as ever",
      run: async ({ store }) => {
        const stream = await streamOfThree(store);
        await store.deleteStream(stream, { expected: 'any' });
        await refused('stream-deleted', () => store.append(stream, numbered(1), { expected: 'stream-exists' }));
        const error = await refused('wrong-expected-revision', () =>
          store.append(stream, numbered(1), { expected: revision(1) }),
        );
        assert.deepEqual(factsOf(error, 'actual', 'violations'), {
          actual: 2n,
          violations: [{ stream, expected: 1n, actual: 2n, isDeleted: true }],
        });
        assert.equal((await store.streamState(stream)).status, 'deleted');
      },
    },
    {
      name: 'a deletion says where it expects the stream, as an append does',
      run: async ({ store }) => {
        const stream = await streamOfThree(store);
        for (const expected of ['no-stream', revision(1), revision(3)] as const) {
          const error = await refused('wrong-expected-revision', () => store.deleteStream(stream, { expected }));
          assert.equal(Reflect.get(error, 'actual'), 2n);
        }
        await store.deleteStream(stream, { expected: 'stream-exists' });
        await refused('stream-deleted', () => store.deleteStream(stream, { expected: 'stream-exists' }));
        await store.deleteStream(stream, { expected: 'any' });
      },
    },
    {
      name: 'a stream that was never there cannot be deleted by who knows that',
      run: async ({ store }) => {
        await refused('wrong-expected-revision', () => store.deleteStream(newStream(), { expected: 'no-stream' }));
        await refused('wrong-expected-revision', () => store.deleteStream(newStream(), { expected: revision(0) }));
        await refused('wrong-expected-revision', () => store.deleteStream(newStream(), { expected: 'stream-exists' }));
      },
    },
    {
      name: 'a stream that has nothing but metadata exists, can be deleted, and begins at revision 0 all the same',
      run: async ({ store }) => {
        for (const expected of ['stream-exists', 'no-stream', 'any'] as const) {
          const stream = newStream();
          const metadata = { custom: { owner: 'us' } };
          await setStreamMetadata(store, stream, { metadata, expected: 'no-stream' });
          await refused('wrong-expected-revision', () => store.deleteStream(stream, { expected: revision(0) }));
          await store.deleteStream(stream, { expected });
          const { status, metadata: after } = await store.streamState(stream);
          assert.deepEqual([status, after.custom], ['deleted', {}]);
          await refused('stream-deleted', () => store.append(stream, numbered(1), { expected: 'stream-exists' }));
          assert.equal((await store.append(stream, numbered(1), { expected: 'no-stream' })).revision, 0n);
          assert.deepEqual(revisionsOf(await read(store, stream)), [0n]);
        }
      },
    },
    {
      name: 'a stream can be deleted and come back again and again',
      run: async ({ store }) => {
        const stream = newStream();
        for (let round = 0; round < 5; round += 1) {
          await store.append(stream, numbered(2), { expected: 'any' });
          assert.deepEqual(revisionsOf(await read(store, stream)), [BigInt(2 * round), BigInt(2 * round + 1)]);
          await store.deleteStream(stream, { expected: revision(2 * round + 1) });
        }
      },
    },
    {
      name: 'a deletion replaces the metadata; new metadata bring the stream back',
      run: async ({ store }) => {
        const stream = await streamOfThree(store);
        const metadata = { maxCount: 2, custom: { owner: 'us' } };
        await setStreamMetadata(store, stream, { metadata, expected: 'any' });
        await store.deleteStream(stream, { expected: 'any' });
        assert.deepEqual((await store.streamState(stream)).metadata.custom, {});
        await setStreamMetadata(store, stream, { metadata, expected: 'any' });
        assert.deepEqual(revisionsOf(await read(store, stream)), [1n, 2n]);
      },
    },
    {
      name: 'a stream that was deleted by its metadata comes back with the rest of them',
      run: async ({ store }) => {
        const stream = await streamOfThree(store);
        const metadata = { truncateBefore: revision(deletedTruncateBefore), maxCount: 9, custom: { owner: 'us' } };
        await setStreamMetadata(store, stream, { metadata, expected: 'any' });
        assert.equal((await store.streamState(stream)).status, 'deleted');
        await store.append(stream, numbered(1), { expected: 'any' });
        assert.deepEqual((await store.streamState(stream)).metadata, { ...metadata, truncateBefore: 3n });
      },
    },
    {
      name: 'a tombstone wins over everything else that a deletion could be refused for',
      run: async ({ store }) => {
        const stream = newStream();
        await store.tombstoneStream(stream, { expected: 'no-stream' });
        for (const expected of ['no-stream', 'stream-exists', 'any', revision(0)] as const) {
          await refused('stream-tombstoned', () => store.deleteStream(stream, { expected }));
          await refused('stream-tombstoned', () => store.tombstoneStream(stream, { expected }));
        }
      },
    },
    {
      name: 'a tombstoned stream refuses reads and appends for good',
      run: async ({ store }) => {
        const stream = await streamOfThree(store);
        await store.tombstoneStream(stream, { expected: revision(2) });
        await refused('stream-tombstoned', async () => read(store, stream));
        await refused('stream-tombstoned', async () => read(store, stream, { direction: 'backwards' }));
        for (const expected of ['any', 'no-stream', 'stream-exists', revision(2), tombstoneRevision] as const) {
          const error = await refused('stream-tombstoned', () => store.append(stream, numbered(1), { expected }));
          assert.equal(Reflect.get(error, 'stream'), stream);
        }
        await refused('stream-tombstoned', () => store.deleteStream(stream, { expected: 'any' }));
        await refused('stream-tombstoned', () => store.tombstoneStream(stream, { expected: 'any' }));
        const { status, revision: last, firstRevision } = await store.streamState(stream);
        assert.deepEqual([status, last, firstRevision], ['tombstoned', 2n, undefined]);
      },
    },
    {
      name: 'a tombstone closes the metadata of its stream too',
      run: async ({ store }) => {
        const stream = await streamOfThree(store);
        await store.tombstoneStream(stream, { expected: 'any' });
        await refused('stream-tombstoned', () =>
          setStreamMetadata(store, stream, { metadata: { custom: {} }, expected: 'any' }),
        );
      },
    },
    {
      name: 'a tombstone is an event of the log, at the largest revision there is',
      run: async ({ store }) => {
        const stream = await streamOfThree(store);
        const { position } = await store.tombstoneStream(stream, { expected: 'any' });
        const last = (await all(store.readAll({ filter: { streamPrefixes: [stream] } }))).at(-1);
        assert.deepEqual(
          [last?.type, last?.stream, last?.revision, last?.position],
          [tombstoneType, stream, tombstoneRevision, position],
        );
      },
    },
    {
      name: 'a tombstone says where it expects the stream, and may close a name that was never used',
      run: async ({ store }) => {
        const stream = await streamOfThree(store);
        for (const expected of ['no-stream', revision(1), revision(3)] as const) {
          await refused('wrong-expected-revision', () => store.tombstoneStream(stream, { expected }));
        }
        assert.equal((await read(store, stream)).length, 3);
        for (const expected of ['no-stream', 'any'] as const) {
          const unused = newStream();
          await store.tombstoneStream(unused, { expected });
          await refused('stream-tombstoned', () => store.append(unused, numbered(1), { expected: 'any' }));
        }
      },
    },
    {
      name: 'a deleted stream can be closed for good',
      run: async ({ store }) => {
        const stream = await streamOfThree(store);
        await store.deleteStream(stream, { expected: 'any' });
        await store.tombstoneStream(stream, { expected: 'any' });
        assert.equal((await store.streamState(stream)).status, 'tombstoned');
      },
    },
    {
      name: 'neither the log, nor a derived stream, nor metadata are deleted by themselves',
      run: async ({ store }) => {
        for (const name of ['$all', '$ce-Order', '$streams']) {
          await refused('read-only-stream', () => store.deleteStream(streamName(name), { expected: 'any' }));
          await refused('read-only-stream', () => store.tombstoneStream(streamName(name), { expected: 'any' }));
        }
        const metadataStream = metadataStreamOf(newStream());
        await refused('invalid-stream-name', () => store.deleteStream(metadataStream, { expected: 'any' }));
        await refused('invalid-stream-name', () => store.tombstoneStream(metadataStream, { expected: 'any' }));
      },
    },
    {
      name: 'what was deleted and closed stays so when the store is opened again',
      needs: ['durability'],
      run: async ({ store, reopen }) => {
        const [deleted, tombstoned] = [await streamOfThree(store), await streamOfThree(store)];
        await store.deleteStream(deleted, { expected: 'any' });
        await store.tombstoneStream(tombstoned, { expected: 'any' });
        const opened = await reopen();
        assert.deepEqual(await read(opened, deleted), []);
        await refused('stream-tombstoned', async () => read(opened, tombstoned));
        const { firstRevision } = await opened.append(deleted, numbered(1), { expected: 'any' });
        assert.equal(firstRevision, 3n);
      },
    },
  ],
};

async function streamOfThree(store: EventStore): Promise<StreamName> {
  const stream = newStream();
  await store.append(stream, numbered(3), { expected: 'no-stream' });
  return stream;
}
