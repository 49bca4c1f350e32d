import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import type { EventStore } from '../store/event-store.ts';
import { revision } from '../store/position.ts';
import {
  metadataType,
  parseStreamMetadata,
  setStreamMetadata,
  truncateStream,
  type StreamMetadata,
} from '../store/stream-metadata.ts';
import { metadataStreamOf, type StreamName } from '../store/stream-name.ts';
import type { ContractSuite } from './contract-case.ts';
import { newStream, numbered, read, refused, revisionsOf } from './contract-tools.ts';

const ten = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n];

/** What the metadata of a stream do to it. */
export const metadataContract: ContractSuite = {
  name: 'metadata and truncation',
  cases: [
    {
      name: 'metadata come back as they were set',
      run: async ({ store }) => {
        const stream = await streamOfTen(store);
        const metadata: StreamMetadata = {
          maxCount: 100,
          maxAgeMs: 3_600_000,
          truncateBefore: revision(1),
          cacheControlMs: 5_000,
          acl: { $r: ['$all'], $w: 'ops' },
          custom: { owner: 'us', nested: { list: [1, '2', null] } },
        };
        await setStreamMetadata(store, stream, { metadata, expected: 'no-stream' });
        const state = await store.streamState(stream);
        assert.deepEqual(state.metadata, metadata);
        assert.deepEqual([state.firstRevision, state.revision], [1n, 9n]);
      },
    },
    {
      name: 'the bytes of metadata are kept as they are',
      run: async ({ store }) => {
        const stream = newStream();
        const json = '{ "$maxCount" : 3,\n  "amount":1.10, "big":12345678901234567890 }';
        await setRaw(store, stream, json);
        const [event] = await read(store, metadataStreamOf(stream));
        assert.equal(Buffer.from(event?.data ?? []).toString(), json);
        assert.equal((await store.streamState(stream)).metadata.maxCount, 3);
      },
    },
    {
      name: 'a metadata stream shows only its last event',
      run: async ({ store }) => {
        const stream = newStream();
        for (const maxCount of [1, 2, 3]) await set(store, stream, { maxCount });
        const found = await read(store, metadataStreamOf(stream));
        assert.deepEqual(revisionsOf(found), [2n]);
        assert.deepEqual(parseStreamMetadata(found[0]!.data), { maxCount: 3, custom: {} });
        assert.deepEqual(
          revisionsOf(await read(store, metadataStreamOf(stream), { direction: 'backwards', limit: 1 })),
          [2n],
        );
      },
    },
    {
      name: 'metadata are set where the writer expects them, as any append',
      run: async ({ store }) => {
        const stream = newStream();
        await setStreamMetadata(store, stream, { metadata: { custom: {} }, expected: 'no-stream' });
        await refused('wrong-expected-revision', async () =>
          setStreamMetadata(store, stream, { metadata: { custom: {} }, expected: 'no-stream' }),
        );
        const { revision: last } = await setStreamMetadata(store, stream, {
          metadata: { custom: {} },
          expected: revision(0),
        });
        assert.equal(last, 1n);
      },
    },
    {
      name: '$maxCount shows only the last events, at once and as the stream grows',
      run: async ({ store }) => {
        const stream = await streamOfTen(store);
        await set(store, stream, { maxCount: 3 });
        assert.deepEqual(await visible(store, stream), [7n, 8n, 9n]);
        await store.append(stream, numbered(1), { expected: revision(9) });
        assert.deepEqual(await visible(store, stream), [8n, 9n, 10n]);
        await set(store, stream, { maxCount: 5 });
        assert.deepEqual(await visible(store, stream), [6n, 7n, 8n, 9n, 10n]);
      },
    },
    {
      name: '$tb hides what stands before it, at once',
      run: async ({ store }) => {
        const stream = await streamOfTen(store);
        await truncateStream(store, stream, revision(6));
        assert.deepEqual(await visible(store, stream), [6n, 7n, 8n, 9n]);
        assert.equal((await store.streamState(stream)).firstRevision, 6n);
      },
    },
    {
      name: 'truncation leaves the other metadata as they are',
      run: async ({ store }) => {
        const stream = await streamOfTen(store);
        await set(store, stream, { maxCount: 8, custom: { owner: 'us' } });
        await truncateStream(store, stream, revision(4));
        assert.deepEqual((await store.streamState(stream)).metadata, {
          maxCount: 8,
          truncateBefore: 4n,
          custom: { owner: 'us' },
        });
      },
    },
    {
      name: 'what hides more counts, of $tb and $maxCount',
      run: async ({ store }) => {
        const stream = await streamOfTen(store);
        await set(store, stream, { maxCount: 2, truncateBefore: revision(5) });
        assert.deepEqual(await visible(store, stream), [8n, 9n]);
        await set(store, stream, { maxCount: 8, truncateBefore: revision(5) });
        assert.deepEqual(await visible(store, stream), ten.slice(5));
      },
    },
    {
      name: 'a stream that is hidden to its end is there, and its revisions go on',
      run: async ({ store }) => {
        const stream = await streamOfTen(store);
        await truncateStream(store, stream, revision(10));
        assert.deepEqual(await read(store, stream), []);
        const { status, revision: last, firstRevision } = await store.streamState(stream);
        assert.deepEqual([status, last, firstRevision], ['exists', 9n, undefined]);
        await store.append(stream, numbered(1), { expected: revision(9) });
        assert.deepEqual(await visible(store, stream), [10n]);
      },
    },
    {
      name: 'a $tb beyond the end hides what is appended until the stream reaches it',
      run: async ({ store }) => {
        const stream = await streamOfTen(store);
        await set(store, stream, { truncateBefore: revision(12) });
        await store.append(stream, numbered(2), { expected: revision(9) });
        assert.deepEqual(await read(store, stream), []);
        await store.append(stream, numbered(1), { expected: revision(11) });
        assert.deepEqual(await visible(store, stream), [12n]);
      },
    },
    {
      name: 'what was hidden comes back when the metadata say so',
      run: async ({ store }) => {
        const stream = await streamOfTen(store);
        await set(store, stream, { maxCount: 1 });
        assert.deepEqual(await visible(store, stream), [9n]);
        await set(store, stream, {});
        assert.deepEqual(await visible(store, stream), ten);
      },
    },
    {
      name: '$maxAge hides what is older, at the moment of the read',
      needs: ['created'],
      run: async ({ store }) => {
        const stream = newStream();
        const now = Date.now();
        const ages = [3_600_000, 120_000, 60_000, 0];
        const events = numbered(4).map((event, index) => ({ ...event, created: new Date(now - ages[index]!) }));
        await store.append(stream, events, { expected: 'no-stream' });
        await set(store, stream, { maxAgeMs: 90_000 });
        assert.deepEqual(await visible(store, stream), [2n, 3n]);
        assert.equal((await store.streamState(stream)).firstRevision, 2n);
        await set(store, stream, { maxAgeMs: 7_200_000 });
        assert.deepEqual(await visible(store, stream), [0n, 1n, 2n, 3n]);
      },
    },
    {
      name: 'metadata that are not JSON, or no object, are no metadata',
      run: async ({ store }) => {
        const stream = await streamOfTen(store);
        for (const json of ['{"$maxCount":', 'null', '[1]', '"text"', '']) {
          await setRaw(store, stream, json);
          assert.deepEqual((await store.streamState(stream)).metadata, { custom: {} });
          assert.deepEqual(await visible(store, stream), ten);
        }
      },
    },
    {
      name: 'limits that are not positive whole numbers are no limits',
      run: async ({ store }) => {
        const stream = await streamOfTen(store);
        for (const json of ['{"$maxCount":0}', '{"$maxCount":-3}', '{"$maxCount":"3"}', '{"$tb":-1}', '{"$tb":1.5}']) {
          await setRaw(store, stream, json);
          assert.deepEqual(await visible(store, stream), ten, json);
        }
      },
    },
    {
      name: 'metadata are there when the store is opened again',
      needs: ['durability'],
      run: async ({ store, reopen }) => {
        const stream = await streamOfTen(store);
        await set(store, stream, { maxCount: 4 });
        const opened = await reopen();
        assert.deepEqual(await visible(opened, stream), [6n, 7n, 8n, 9n]);
        assert.equal((await opened.streamState(stream)).metadata.maxCount, 4);
      },
    },
  ],
};

async function streamOfTen(store: EventStore): Promise<StreamName> {
  const stream = newStream();
  await store.append(stream, numbered(10), { expected: 'no-stream' });
  return stream;
}

async function set(store: EventStore, stream: StreamName, metadata: Partial<StreamMetadata>): Promise<void> {
  await setStreamMetadata(store, stream, { metadata: { custom: {}, ...metadata }, expected: 'any' });
}

async function setRaw(store: EventStore, stream: StreamName, json: string): Promise<void> {
  const event = {
    id: randomUUID(),
    type: metadataType,
    data: new TextEncoder().encode(json),
    contentType: 'application/json',
  } as const;
  await store.append(metadataStreamOf(stream), [event], { expected: 'any' });
}

/** The revisions that reads show: the same in both directions, and the first as the store says it. */
async function visible(store: EventStore, stream: StreamName): Promise<bigint[]> {
  const forwards = revisionsOf(await read(store, stream));
  assert.deepEqual(revisionsOf(await read(store, stream, { direction: 'backwards' })), forwards.toReversed());
  assert.equal((await store.streamState(stream)).firstRevision, forwards[0]);
  return forwards;
}
