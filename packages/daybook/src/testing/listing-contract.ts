import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { revision } from '../store/position.ts';
import { setStreamMetadata, truncateStream } from '../store/stream-metadata.ts';
import { streamName } from '../store/stream-name.ts';
import type { ContractSuite } from './contract-case.ts';
import { all, newCategory, newStream, numbered, one } from './contract-tools.ts';

/** What listings of streams, categories and event types hold. */
export const listingContract: ContractSuite = {
  name: 'listings',
  cases: [
    {
      name: 'streams are listed by prefix, in the order of the bytes of their names, with their ends and counts',
      needs: ['listings'],
      run: async ({ store }) => {
        const category = newCategory();
        const names = ['b', 'a', 'B', '😀', '\uff5e', 'é', 'aa'].map((id) => streamName(`${category}-${id}`));
        for (const [index, stream] of names.entries()) {
          await store.append(stream, numbered(index + 1), { expected: 'no-stream' });
        }
        const listed = await all(store.listStreams({ prefix: `${category}-` }));
        assert.deepEqual(
          listed.map(({ stream }) => stream),
          names.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right))),
        );
        for (const { stream, revision: last, position, events } of listed) {
          const state = await store.streamState(stream);
          assert.deepEqual(
            [last, position, events],
            [state.revision, state.position, BigInt(names.indexOf(stream) + 1)],
          );
        }
      },
    },
    {
      name: 'streams are listed by category',
      needs: ['listings'],
      run: async ({ store }) => {
        const category = newCategory();
        const [inIt, beside] = [newStream(category), streamName(`${category}More-1`)];
        for (const stream of [inIt, beside]) await store.append(stream, numbered(1), { expected: 'any' });
        const listed = await all(store.listStreams({ category }));
        assert.deepEqual(
          listed.map(({ stream }) => stream),
          [inIt],
        );
      },
    },
    {
      name: 'deleted and tombstoned streams are not listed, nor those with only metadata; one that came back is',
      needs: ['listings'],
      run: async ({ store }) => {
        const category = newCategory();
        const [deleted, tombstoned, back, described] = [
          newStream(category),
          newStream(category),
          newStream(category),
          newStream(category),
        ];
        for (const stream of [deleted, tombstoned, back]) {
          await store.append(stream, numbered(2), { expected: 'no-stream' });
        }
        await store.deleteStream(deleted, { expected: 'any' });
        await store.tombstoneStream(tombstoned, { expected: 'any' });
        await store.deleteStream(back, { expected: 'any' });
        const { position } = await store.append(back, numbered(1), { expected: 'any' });
        await setStreamMetadata(store, described, { metadata: { custom: {} }, expected: 'any' });
        assert.deepEqual(await all(store.listStreams({ category })), [
          { stream: back, revision: 2n, position, events: 1n },
        ]);
      },
    },
    {
      name: 'the count is that of the events a read gives',
      needs: ['listings'],
      run: async ({ store }) => {
        const category = newCategory();
        const stream = newStream(category);
        await store.append(stream, numbered(10), { expected: 'no-stream' });
        await truncateStream(store, stream, revision(4));
        const [truncated] = await all(store.listStreams({ category }));
        assert.deepEqual([truncated?.revision, truncated?.events], [9n, 6n]);
      },
    },
    {
      name: 'system streams are listed only when asked for, metadata streams never',
      needs: ['listings'],
      run: async ({ store }) => {
        const stream = streamName(`$contract-${randomUUID()}`);
        await store.append(stream, numbered(1), { expected: 'no-stream' });
        await setStreamMetadata(store, stream, { metadata: { custom: {} }, expected: 'any' });
        assert.deepEqual(await all(store.listStreams({ prefix: stream })), []);
        const listed = await all(store.listStreams({ prefix: stream, system: 'include' }));
        assert.equal(listed.length, 1);
        assert.deepEqual(await all(store.listStreams({ prefix: `$$${stream}`, system: 'include' })), []);
      },
    },
    {
      name: 'a listing of many streams is whole, and its pages are not empty',
      needs: ['listings'],
      run: async ({ store }) => {
        const category = newCategory();
        const appends = Array.from({ length: 1_500 }, () => newStream(category));
        await Promise.all(appends.map((stream) => store.append(stream, numbered(1), { expected: 'no-stream' })));
        const names: string[] = [];
        for await (const page of store.listStreams({ prefix: category }).pages()) {
          assert.ok(page.length > 0);
          names.push(...page.map(({ stream }) => stream));
        }
        assert.deepEqual(names, [...appends].toSorted());
      },
    },
    {
      name: 'categories are listed with the counts of their streams and events',
      needs: ['listings'],
      run: async ({ store }) => {
        const category = newCategory();
        for (let i = 0; i < 3; i += 1) await store.append(newStream(category), numbered(4), { expected: 'any' });
        const listed = await all(store.listCategories());
        assert.deepEqual(
          listed.find((each) => each.category === category),
          { category, streams: 3n, events: 12n },
        );
        const names = listed.map((each) => Buffer.from(each.category));
        assert.ok(names.every((name, index) => index === 0 || Buffer.compare(names[index - 1]!, name) < 0));
      },
    },
    {
      name: 'event types are listed with their counts, those of system streams are not',
      needs: ['listings'],
      run: async ({ store }) => {
        const type = `${newCategory()}Happened`;
        await store.append(newStream(), [one(type), one(type), one(`${type}Twice`)], { expected: 'any' });
        await store.append(streamName(`$contract-${randomUUID()}`), [one(type)], { expected: 'any' });
        const listed = await all(store.listEventTypes());
        assert.deepEqual(
          listed.filter((each) => each.type.startsWith(type)),
          [
            { type, events: 2n },
            { type: `${type}Twice`, events: 1n },
          ],
        );
      },
    },
    {
      name: 'an aborted listing rejects with the reason',
      needs: ['listings'],
      run: async ({ store }) => {
        const reason = new RangeError('enough');
        await all(store.listStreams({ signal: AbortSignal.abort(reason) })).then(
          () => assert.fail('it was not refused'),
          (error: unknown) => assert.equal(error, reason),
        );
      },
    },
  ],
};
