import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { categoryStream, correlationStream, eventTypeStream } from '../store/derived-stream.ts';
import { revision, tombstoneRevision } from '../store/position.ts';
import { setStreamMetadata, tombstoneType } from '../store/stream-metadata.ts';
import { metadataStreamOf, streamName } from '../store/stream-name.ts';
import type { ContractSuite } from './contract-case.ts';
import {
  endOf,
  follow,
  idsOf,
  newCategory,
  newStream,
  numbered,
  one,
  read,
  revisionsOf,
  settled,
} from './contract-tools.ts';

/** Subscriptions to one stream, of whatever kind. */
export const subscriptionContract: ContractSuite = {
  name: 'subscribe to a stream',
  cases: [
    {
      name: 'a subscription gives what is there, says that it caught up, and goes on with what is appended',
      run: async ({ store }) => {
        const stream = newStream();
        const [before, after] = [numbered(3), numbered(3)];
        const { position } = await store.append(stream, before, { expected: 'no-stream' });
        await using following = follow(store.subscribeToStream(stream));
        const messages = await following.until('caught-up');
        assert.deepEqual(
          messages.flatMap((message) => (message.kind === 'event' ? [message.event.id] : [])),
          idsOf(before),
        );
        const caughtUp = messages.at(-1);
        assert.ok(caughtUp?.kind === 'caught-up' && caughtUp.position >= position);
        assert.equal(caughtUp.revision, 2n);
        await store.append(stream, after, { expected: 'any' });
        const live = await following.events(3);
        assert.deepEqual(idsOf(live), idsOf(after));
        assert.deepEqual(live, await read(store, stream, { from: revision(3) }));
      },
    },
    {
      name: 'a subscription begins after the revision that the caller has seen',
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(5), { expected: 'no-stream' });
        await using following = follow(store.subscribeToStream(stream, { after: revision(2) }));
        assert.deepEqual(revisionsOf(await following.events(2)), [3n, 4n]);
        assert.equal((await following.next()).kind, 'caught-up');
        await store.append(stream, numbered(1), { expected: 'any' });
        assert.equal((await following.event()).revision, 5n);
      },
    },
    {
      name: 'a subscription after the end gives only what is new',
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(5), { expected: 'no-stream' });
        await using following = follow(store.subscribeToStream(stream, { after: 'end' }));
        assert.equal((await following.next()).kind, 'caught-up');
        await store.append(stream, numbered(2), { expected: 'any' });
        assert.deepEqual(revisionsOf(await following.events(2)), [5n, 6n]);
      },
    },
    {
      name: 'a stream may be subscribed to before it is there',
      run: async ({ store }) => {
        const stream = newStream();
        await using following = follow(store.subscribeToStream(stream));
        const caughtUp = await following.next();
        assert.ok(caughtUp.kind === 'caught-up' && caughtUp.revision === undefined);
        await store.append(newStream(), numbered(3), { expected: 'any' });
        await store.append(stream, numbered(1), { expected: 'no-stream' });
        assert.deepEqual(revisionsOf(await following.events(1)), [0n]);
      },
    },
    {
      name: 'nothing is missed or repeated while the stream grows under the subscription',
      run: async ({ store }) => {
        const stream = newStream();
        const events = numbered(3_000);
        await store.append(stream, events.slice(0, 1_000), { expected: 'no-stream' });
        await using following = follow(store.subscribeToStream(stream));
        const appending = (async () => {
          for (let i = 1_000; i < 3_000; i += 20) {
            await store.append(stream, events.slice(i, i + 20), { expected: 'any' });
          }
        })();
        assert.deepEqual(idsOf(await following.events(3_000)), idsOf(events));
        await appending;
      },
    },
    {
      name: 'two subscribers of one stream each get everything, wherever they began',
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(4), { expected: 'no-stream' });
        await using first = follow(store.subscribeToStream(stream));
        await using second = follow(store.subscribeToStream(stream, { after: revision(1) }));
        await first.until('caught-up');
        await second.until('caught-up');
        await store.append(stream, numbered(2), { expected: 'any' });
        assert.deepEqual(revisionsOf(await first.events(2)), [4n, 5n]);
        assert.deepEqual(revisionsOf(await second.events(2)), [4n, 5n]);
      },
    },
    {
      name: 'one subscription can be iterated twice, and begins anew each time',
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(2), { expected: 'no-stream' });
        const subscription = store.subscribeToStream(stream);
        for (let i = 0; i < 2; i += 1) {
          await using following = follow(subscription);
          assert.deepEqual(revisionsOf(await following.events(2)), [0n, 1n]);
        }
      },
    },
    {
      name: 'a slow subscriber misses nothing: it reads pages again and catches up again',
      run: async ({ store }) => {
        const stream = newStream();
        await using following = follow(store.subscribeToStream(stream));
        await following.until('caught-up');
        const events = numbered(25_000);
        for (let i = 0; i < events.length; i += 5_000) {
          await store.append(stream, events.slice(i, i + 5_000), { expected: 'any' });
        }
        assert.deepEqual(idsOf(await following.events(events.length)), idsOf(events));
        const [late] = numbered(1);
        await store.append(stream, [late!], { expected: 'any' });
        assert.equal((await following.event()).id, late!.id);
      },
    },
    {
      name: 'a slow subscriber is told that it fell behind, gets everything, and is told that it caught up again',
      needs: ['fell-behind'],
      run: async ({ store }) => {
        const stream = newStream();
        const subscriptions = [
          () => store.subscribeToStream(stream),
          () => store.subscribeToAll({ after: 'end', filter: { streamPrefixes: [stream] } }),
        ];
        for (const subscribe of subscriptions) {
          await using following = follow(subscribe());
          await following.until('caught-up');
          const events = numbered(24_000);
          for (let i = 0; i < events.length; i += 4_000) {
            await store.append(stream, events.slice(i, i + 4_000), { expected: 'any' });
          }
          const messages = [...(await following.until('fell-behind'))];
          const last = events.at(-1)?.id;
          for (let id: string | undefined; id !== last;) {
            const message = await following.next();
            messages.push(message);
            id = message.kind === 'event' ? message.event.id : undefined;
          }
          messages.push(...(await following.until('caught-up')));
          assert.deepEqual(
            idsOf(messages.flatMap((message) => (message.kind === 'event' ? [message.event] : []))),
            idsOf(events),
          );
          const positions = messages.map((message) =>
            message.kind === 'event' ? message.event.position : message.position,
          );
          assert.ok(
            positions.every((position, index) => position >= positions[Math.max(0, index - 1)]!),
            'it went back',
          );
        }
      },
    },
    {
      name: 'derived streams go on with the numbers that a read gives',
      run: async ({ store }) => {
        const category = newCategory();
        const correlationId = randomUUID();
        const type = `${category}Happened`;
        const streams = [categoryStream(category), eventTypeStream(type), correlationStream(correlationId)] as const;
        const append = async (): Promise<unknown> =>
          store.append(newStream(category), [one(type, { $correlationId: correlationId })], { expected: 'any' });
        for (let i = 0; i < 3; i += 1) await append();
        for (const stream of streams) {
          await using following = follow(store.subscribeToStream(stream, { after: revision(0) }));
          await following.until('caught-up');
          for (let i = 0; i < 3; i += 1) await append();
          const live = await following.events(3);
          assert.deepEqual(live, (await read(store, stream)).slice(-3));
        }
      },
    },
    {
      name: 'a derived stream can be followed by its link events',
      run: async ({ store }) => {
        const category = newCategory();
        const stream = categoryStream(category);
        for (let i = 0; i < 2; i += 1) await store.append(newStream(category), numbered(2), { expected: 'any' });
        await using following = follow(store.subscribeToStream(stream, { links: 'keep' }));
        const before = await following.events(4);
        await following.until('caught-up');
        for (let i = 0; i < 2; i += 1) await store.append(newStream(category), numbered(2), { expected: 'any' });
        assert.deepEqual([...before, ...(await following.events(4))], await read(store, stream, { links: 'keep' }));
      },
    },
    {
      name: 'new streams of a category can be followed',
      run: async ({ store }) => {
        const category = newCategory();
        await using following = follow(store.subscribeToStream(streamName(`$category-${category}`)));
        await following.until('caught-up');
        const streams = [newStream(category), newStream(category)];
        for (const stream of streams) await store.append(stream, numbered(3), { expected: 'any' });
        const firsts = await following.events(2);
        assert.deepEqual(
          firsts.map(({ stream, link }) => [stream, link?.revision]),
          streams.map((stream, number) => [stream, BigInt(number)]),
        );
      },
    },
    {
      name: 'metadata can be followed: what they are, then each change',
      run: async ({ store }) => {
        const stream = newStream();
        const set = async (maxCount: number): Promise<unknown> =>
          setStreamMetadata(store, stream, { metadata: { maxCount, custom: {} }, expected: 'any' });
        await set(1);
        await set(2);
        await using following = follow(store.subscribeToStream(metadataStreamOf(stream)));
        const messages = await following.until('caught-up');
        assert.deepEqual(
          messages.flatMap((message) => (message.kind === 'event' ? [message.event.revision] : [])),
          [1n],
        );
        await set(3);
        await set(4);
        assert.deepEqual(revisionsOf(await following.events(2)), [2n, 3n]);
      },
    },
    {
      name: 'a subscription to a truncated stream begins with what is visible',
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(10), { expected: 'no-stream' });
        await setStreamMetadata(store, stream, { metadata: { maxCount: 3, custom: {} }, expected: 'any' });
        await using following = follow(store.subscribeToStream(stream));
        assert.deepEqual(revisionsOf(await following.events(3)), [7n, 8n, 9n]);
        await store.append(stream, numbered(1), { expected: 'any' });
        assert.equal((await following.event()).revision, 10n);
      },
    },
    {
      name: 'a deletion does not end a subscription: it goes on when the stream comes back',
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(2), { expected: 'no-stream' });
        await using following = follow(store.subscribeToStream(stream));
        await following.until('caught-up');
        await store.deleteStream(stream, { expected: 'any' });
        await store.append(stream, numbered(1), { expected: 'any' });
        assert.equal((await following.event()).revision, 2n);
      },
    },
    {
      name: 'a tombstone is given to who is subscribed, and ends the subscription',
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(1), { expected: 'no-stream' });
        await using following = follow(store.subscribeToStream(stream));
        await following.until('caught-up');
        const { position } = await store.tombstoneStream(stream, { expected: 'any' });
        const tombstone = await following.event();
        assert.deepEqual(
          [tombstone.type, tombstone.revision, tombstone.position],
          [tombstoneType, tombstoneRevision, position],
        );
        assert.equal(Reflect.get(await following.end(), 'code'), 'stream-tombstoned');
      },
    },
    {
      name: 'a subscription to a tombstoned stream ends at once',
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(1), { expected: 'no-stream' });
        await store.tombstoneStream(stream, { expected: 'any' });
        await using following = follow(store.subscribeToStream(stream));
        assert.equal(Reflect.get(await following.end(), 'code'), 'stream-tombstoned');
      },
    },
    {
      name: 'a subscription ends when its store is disposed of',
      run: async ({ store, reopen }) => {
        const following = [
          follow(store.subscribeToStream(newStream())),
          follow(store.subscribeToAll({ after: await endOf(store) })),
        ];
        for (const each of following) await each.until('caught-up');
        const ends = following.map(async (each) => each.end());
        await settled();
        await store[Symbol.asyncDispose]();
        for (const end of await Promise.all(ends)) assert.equal(Reflect.get(end, 'code'), 'store-closed');
        await reopen();
      },
    },
  ],
};
