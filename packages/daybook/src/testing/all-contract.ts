import assert from 'node:assert/strict';

import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import type { ReadAllOptions } from '../store/options.ts';
import { metadataType, setStreamMetadata, tombstoneType } from '../store/stream-metadata.ts';
import { metadataStreamOf } from '../store/stream-name.ts';
import type { ContractSuite } from './contract-case.ts';
import {
  all,
  endOf,
  idsOf,
  idsOfPrefix,
  newCategory,
  newStream,
  numbered,
  refused,
  revisionsOf,
} from './contract-tools.ts';

/** What a read of `$all` gives. */
export const allContract: ContractSuite = {
  name: 'read the log',
  cases: [
    {
      name: 'A-L1: the log gives the events of all streams in the order they were acknowledged',
      run: async ({ store }) => {
        const { category, ids } = await interleaved(store);
        assert.deepEqual(await idsOfPrefix(store, category), ids);
        assert.deepEqual(await idsOfPrefix(store, category, { direction: 'backwards' }), ids.toReversed());
      },
    },
    {
      name: 'positions grow, and the first is not 0',
      run: async ({ store }) => {
        const { category } = await interleaved(store);
        const events = await all(store.readAll({ filter: { streamPrefixes: [category] } }));
        assert.ok(events.every(({ position }, index) => position > (events[index - 1]?.position ?? 0n)));
        const [first] = await all(store.readAll({ limit: 1 }));
        assert.ok(first !== undefined && first.position > 0n);
      },
    },
    {
      name: 'an event in the log is the event in its stream',
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(5), { expected: 'no-stream' });
        const inStream = await all(store.readStream(stream));
        assert.deepEqual(await all(store.readAll({ filter: { streamPrefixes: [stream] } })), inStream);
        assert.ok(inStream.every((event) => event.link === undefined));
      },
    },
    {
      name: 'a read begins at a position, that place included, in both directions',
      run: async ({ store }) => {
        const { category } = await interleaved(store);
        const filter = { streamPrefixes: [category] };
        const events = await all(store.readAll({ filter }));
        const from = events[7]!.position;
        const forwards = await all(store.readAll({ filter, from }));
        const backwards = await all(store.readAll({ filter, from, direction: 'backwards' }));
        assert.deepEqual(idsOf(forwards), idsOf(events.slice(7)));
        assert.deepEqual(idsOf(backwards), idsOf(events.slice(0, 8).toReversed()));
        assert.deepEqual(idsOf(await all(store.readAll({ from, limit: 1 }))), [events[7]!.id]);
        assert.deepEqual(idsOf(await all(store.readAll({ from, limit: 1, direction: 'backwards' }))), [events[7]!.id]);
      },
    },
    {
      name: 'a limit counts the events that match',
      run: async ({ store }) => {
        const { category, ids } = await interleaved(store);
        const limited: ReadAllOptions = { limit: 3 };
        assert.deepEqual(await idsOfPrefix(store, category, limited), ids.slice(0, 3));
        assert.deepEqual(
          await idsOfPrefix(store, category, { ...limited, direction: 'backwards' }),
          ids.toReversed().slice(0, 3),
        );
      },
    },
    {
      name: 'the pages of a read are not empty, nor larger than asked for, however few events match',
      run: async ({ store }) => {
        const { category, ids } = await interleaved(store);
        const pages: (readonly RecordedEvent[])[] = [];
        const reading = store.readAll({ filter: { streamPrefixes: [category] }, pageSize: 7 });
        for await (const page of reading.pages()) pages.push(page);
        assert.ok(pages.every(({ length }) => length > 0 && length <= 7));
        assert.deepEqual(idsOf(pages.flat()), ids);
      },
    },
    {
      name: 'a read from beyond the end gives nothing, and backwards everything',
      run: async ({ store }) => {
        const { category, ids } = await interleaved(store);
        const from = ((await endOf(store)) + 1_000_000n) as Awaited<ReturnType<typeof endOf>>; // Beyond the end.
        assert.deepEqual(await idsOfPrefix(store, category, { from }), []);
        assert.deepEqual(await idsOfPrefix(store, category, { from, direction: 'backwards' }), ids.toReversed());
      },
    },
    {
      name: 'an end of the log is the event that stands there, in both directions',
      run: async ({ store }) => {
        const { position } = await store.append(newStream(), numbered(2), { expected: 'any' });
        const [last] = await all(store.readAll({ from: 'end' }));
        assert.ok(last !== undefined && last.position >= position);
        const [first] = await all(store.readAll({ limit: 1 }));
        assert.deepEqual(await all(store.readAll({ from: 'start', direction: 'backwards' })), [first]);
      },
    },
    {
      name: 'the head of the log is at or after the last event that was acknowledged',
      run: async ({ store }) => {
        const { position } = await store.append(newStream(), numbered(3), { expected: 'any' });
        assert.ok((await endOf(store)) >= position);
        const [last] = await all(store.readAll({ direction: 'backwards', limit: 1 }));
        assert.ok(last !== undefined && last.position >= position);
      },
    },
    {
      name: 'A-E15: what was hidden by deletion, truncation or a tombstone is still in the log, unchanged',
      run: async ({ store }) => {
        const category = newCategory();
        const [deleted, truncated, tombstoned] = [newStream(category), newStream(category), newStream(category)];
        for (const stream of [deleted, truncated, tombstoned]) {
          await store.append(stream, numbered(2), { expected: 'no-stream' });
        }
        const filter = { streamPrefixes: [category] };
        const before = await all(store.readAll({ filter }));
        await store.deleteStream(deleted, { expected: 'any' });
        await setStreamMetadata(store, truncated, { metadata: { maxCount: 1, custom: {} }, expected: 'any' });
        await store.tombstoneStream(tombstoned, { expected: 'any' });
        const after = await all(store.readAll({ filter }));
        assert.deepEqual(after.slice(0, 6), before);
        assert.deepEqual(
          after.slice(6).map(({ stream, type }) => [stream, type]),
          [[tombstoned, tombstoneType]],
        );
      },
    },
    {
      name: 'metadata are events of the log, each of them',
      run: async ({ store }) => {
        const stream = newStream();
        for (const maxCount of [1, 2, 3]) {
          await setStreamMetadata(store, stream, { metadata: { maxCount, custom: {} }, expected: 'any' });
        }
        const metadataStream = metadataStreamOf(stream);
        const events = await all(store.readAll({ filter: { streamPrefixes: [metadataStream] } }));
        assert.deepEqual(revisionsOf(events), [0n, 1n, 2n]);
        assert.ok(events.every(({ type }) => type === metadataType));
      },
    },
    {
      name: 'a time means the place in the log of the first event created at or after it',
      needs: ['read-by-time'],
      run: async ({ store }) => {
        const { category, ids } = await interleaved(store);
        const events = await all(store.readAll({ filter: { streamPrefixes: [category] } }));
        const from = events[0]!.created;
        assert.deepEqual(await idsOfPrefix(store, category, { from }), ids);
        const late = new Date(events.at(-1)!.created.getTime() + 3_600_000);
        assert.deepEqual(await idsOfPrefix(store, category, { from: late }), []);
        assert.deepEqual(await idsOfPrefix(store, category, { from: late, direction: 'backwards' }), ids.toReversed());
      },
    },
    {
      name: 'options that mean nothing are refused',
      run: async ({ store }) => {
        for (const options of [{ limit: -1 }, { pageSize: 0 }, { pageSize: 2.5 }, { from: new Date(Number.NaN) }]) {
          await refused('invalid-option', async () => all(store.readAll(options)));
        }
      },
    },
  ],
};

/** Three streams of one category, appended to in turns: 30 events in all. */
async function interleaved(store: EventStore): Promise<{ category: string; ids: string[] }> {
  const category = newCategory();
  const streams = [newStream(category), newStream(category), newStream(category)];
  const events = numbered(30);
  for (let index = 0; index < events.length; index += 2) {
    await store.append(streams[(index / 2) % 3]!, events.slice(index, index + 2), { expected: 'any' });
  }
  return { category, ids: idsOf(events) };
}
