import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { categoryStream, correlationStream, eventTypeStream } from '../store/derived-stream.ts';
import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import { jsonEvent } from '../store/json-event.ts';
import { revision } from '../store/position.ts';
import { setStreamMetadata, truncateStream } from '../store/stream-metadata.ts';
import { metadataStreamOf, streamName, type StreamName } from '../store/stream-name.ts';
import type { ContractSuite } from './contract-case.ts';
import { all, idsIn, idsOf, newCategory, newStream, numbered, one, read, revisionsOf } from './contract-tools.ts';

/** What derived streams hold: `$ce-`, `$et-`, `$streams`, `$category-` and `$bc-`. */
export const derivedContract: ContractSuite = {
  name: 'derived streams',
  cases: [
    {
      name: 'A-P1: a category stream holds every event of every stream of the category, in the order of the log',
      run: async ({ store }) => {
        const { category, ids } = await interleaved(store);
        assert.deepEqual(await idsIn(store, categoryStream(category)), ids);
      },
    },
    {
      name: 'A-P2: an event type stream holds every event of the type, of whatever category or none',
      run: async ({ store }) => {
        const type = `${newCategory()}Created`;
        const events = Array.from({ length: 10 }, () => one(type));
        const streams = [newStream(), streamName(randomUUID().replaceAll('-', '')), newStream(), newStream()];
        for (const [index, event] of events.entries()) {
          await store.append(streams[index % streams.length]!, [event, one('Other')], { expected: 'any' });
        }
        assert.deepEqual(await idsIn(store, eventTypeStream(type)), idsOf(events));
      },
    },
    {
      name: 'A-P3: an event type can be had of all categories, or of one',
      run: async ({ store }) => {
        const type = `${newCategory()}Created`;
        const [a, b] = [newCategory(), newCategory()];
        const [inA, inB] = [one(type), one(type)];
        await store.append(newStream(a), [inA, one('Other')], { expected: 'any' });
        await store.append(newStream(b), [inB], { expected: 'any' });
        assert.deepEqual(await idsIn(store, eventTypeStream(type)), [inA.id, inB.id]);
        const ofA = (await read(store, categoryStream(a))).filter((event) => event.type === type);
        assert.deepEqual(idsOf(ofA), [inA.id]);
      },
    },
    {
      name: 'A-P4: each place has a number of its own, and says which event of which stream it stands for',
      run: async ({ store }) => {
        const { category } = await interleaved(store);
        const stream = categoryStream(category);
        const events = await read(store, stream);
        assert.deepEqual(
          events.map(({ link }) => link),
          events.map((_, number) => ({ stream, revision: BigInt(number) })),
        );
        for (const { link: _, ...event } of events) {
          const [original] = await read(store, event.stream, { from: event.revision, limit: 1 });
          assert.deepEqual(event, original);
        }
      },
    },
    {
      name: 'its own link events can be had instead, and they say the same',
      run: async ({ store }) => {
        const { category } = await interleaved(store);
        const stream = categoryStream(category);
        const originals = await read(store, stream);
        const links = await read(store, stream, { links: 'keep' });
        assert.deepEqual(
          links.map((link) => [link.stream, link.revision, link.type, Buffer.from(link.data).toString(), link.link]),
          originals.map((event, number) => [
            stream,
            BigInt(number),
            '$>',
            `${event.revision}@${event.stream}`,
            undefined,
          ]),
        );
        assert.deepEqual(await idsIn(store, stream, { links: 'keep' }), idsOf(links));
        assert.equal(new Set([...idsOf(links), ...idsOf(originals)]).size, links.length * 2);
      },
    },
    {
      name: 'an event is in its derived streams as soon as it is acknowledged',
      run: async ({ store }) => {
        const category = newCategory();
        const type = `${category}Happened`;
        for (let count = 1; count <= 20; count += 1) {
          const event = one(type);
          await store.append(newStream(category), [event], { expected: 'any' });
          for (const stream of [categoryStream(category), eventTypeStream(type)]) {
            assert.equal((await read(store, stream, { direction: 'backwards', limit: 1 }))[0]?.id, event.id);
            assert.equal((await store.streamState(stream)).revision, BigInt(count - 1));
          }
        }
      },
    },
    {
      name: 'it is read from a number, backwards, and up to a limit, like any stream',
      run: async ({ store }) => {
        const { category, ids } = await interleaved(store);
        const stream = categoryStream(category);
        assert.deepEqual(await idsIn(store, stream, { from: revision(17) }), ids.slice(17));
        assert.deepEqual(await idsIn(store, stream, { from: revision(17), limit: 4 }), ids.slice(17, 21));
        assert.deepEqual(await idsIn(store, stream, { direction: 'backwards' }), ids.toReversed());
        assert.deepEqual(await idsIn(store, stream, { direction: 'backwards', from: revision(2) }), [
          ids[2],
          ids[1],
          ids[0],
        ]);
      },
    },
    {
      name: 'a category stream of many pages is whole',
      run: async ({ store }) => {
        const category = newCategory();
        const events = numbered(2_500);
        for (let i = 0; i < 5; i += 1) {
          await store.append(newStream(category), events.slice(i * 500, i * 500 + 500), { expected: 'no-stream' });
        }
        const found = await read(store, categoryStream(category));
        assert.deepEqual(idsOf(found), idsOf(events));
        assert.ok(found.every(({ link }, number) => link?.revision === BigInt(number)));
      },
    },
    {
      name: 'a derived stream that gathers nothing gives nothing',
      run: async ({ store }) => {
        for (const stream of [categoryStream(newCategory()), eventTypeStream(randomUUID())]) {
          assert.deepEqual(await read(store, stream), []);
          assert.equal((await store.streamState(stream)).status, 'no-stream');
        }
      },
    },
    {
      name: 'the category is what stands before the first hyphen; a name without one has none',
      run: async ({ store }) => {
        const category = newCategory();
        const [event] = numbered(1);
        await store.append(streamName(`${category}-a-b-c`), [event!], { expected: 'any' });
        await store.append(streamName(category), numbered(1), { expected: 'any' });
        await store.append(streamName(`-${category}-x`), numbered(1), { expected: 'any' });
        assert.deepEqual(await idsIn(store, categoryStream(category)), [event!.id]);
        assert.deepEqual(await idsIn(store, categoryStream(`${category}-a`)), []);
      },
    },
    {
      name: '$streams and $category- hold the first event of each stream',
      run: async ({ store }) => {
        const category = newCategory();
        const before = (await store.streamState(streamName('$streams'))).revision ?? -1n;
        const streams = [newStream(category), newStream(category), newStream(category)];
        const firsts = streams.map(() => one('First'));
        for (const [index, stream] of streams.entries()) {
          await store.append(stream, [firsts[index]!, one('Second')], { expected: 'no-stream' });
          await store.append(stream, [one('Third')], { expected: 'any' });
        }
        assert.deepEqual(await idsIn(store, `$category-${category}`), idsOf(firsts));
        const added = await read(store, '$streams', { from: revision(before + 1n) });
        assert.deepEqual(idsOf(added.filter(({ stream }) => stream.startsWith(category))), idsOf(firsts));
      },
    },
    {
      name: '$bc- holds the events with a correlation id, of whatever stream',
      run: async ({ store }) => {
        const correlationId = randomUUID();
        const events = Array.from({ length: 3 }, () => one('Linked', { $correlationId: correlationId }));
        for (const event of events) {
          await store.append(newStream(), [event, one('Other', { $correlationId: randomUUID() })], { expected: 'any' });
        }
        await store.append(newStream(), [jsonEvent({ type: 'Text', data: { $correlationId: correlationId } })], {
          expected: 'any',
        });
        assert.deepEqual(await idsIn(store, correlationStream(correlationId)), idsOf(events));
      },
    },
    {
      name: 'events of system streams, metadata and tombstones are in no category and no event type stream',
      run: async ({ store }) => {
        const category = newCategory();
        const type = `${category}Happened`;
        const stream = newStream(category);
        await store.append(streamName(`$${category}-1`), [one(type)], { expected: 'any' });
        await setStreamMetadata(store, stream, { metadata: { custom: {} }, expected: 'any' });
        await store.tombstoneStream(newStream(category), { expected: 'any' });
        for (const derived of [categoryStream(category), eventTypeStream(type), categoryStream(`$${category}`)]) {
          assert.deepEqual(await read(store, derived, { links: 'keep' }), []);
        }
      },
    },
    {
      name: 'what its own stream no longer shows is left out, and its number stays taken',
      needs: ['derived-truncation'],
      run: async ({ store }) => {
        const category = newCategory();
        const [deleted, truncated, tombstoned, whole] = [
          newStream(category),
          newStream(category),
          newStream(category),
          newStream(category),
        ];
        for (const stream of [deleted, truncated, tombstoned, whole]) {
          await store.append(stream, numbered(3), { expected: 'no-stream' });
        }
        const before = await read(store, categoryStream(category), { links: 'keep' });
        await store.deleteStream(deleted, { expected: 'any' });
        await truncateStream(store, truncated, revision(2));
        await store.tombstoneStream(tombstoned, { expected: 'any' });
        const after = await read(store, categoryStream(category));
        assert.deepEqual(numbersOf(after), [5n, 9n, 10n, 11n]);
        assert.deepEqual(numbersOf(await read(store, categoryStream(category), { direction: 'backwards', limit: 2 })), [
          11n,
          10n,
        ]);
        assert.deepEqual(await read(store, categoryStream(category), { links: 'keep' }), before);
        assert.deepEqual(numbersOf(await read(store, categoryStream(category), { from: revision(6) })), [9n, 10n, 11n]);
      },
    },
    {
      name: 'A-P5: a number that was read once never stands for another event',
      run: async ({ store }) => {
        const category = newCategory();
        const stream = newStream(category);
        await store.append(stream, numbered(3), { expected: 'no-stream' });
        const before = await read(store, categoryStream(category), { links: 'keep' });
        await store.deleteStream(stream, { expected: 'any' });
        await store.append(stream, numbered(2), { expected: 'any' });
        await store.append(newStream(category), numbered(2), { expected: 'any' });
        const after = await read(store, categoryStream(category), { links: 'keep' });
        assert.deepEqual(after.slice(0, 3), before);
        assert.deepEqual(revisionsOf(after), [0n, 1n, 2n, 3n, 4n, 5n, 6n]);
      },
    },
    {
      name: 'the numbers are the same when the store is opened again',
      needs: ['durability'],
      run: async ({ store, reopen }) => {
        const { category } = await interleaved(store);
        const streams: readonly StreamName[] = [categoryStream(category), streamName(`$category-${category}`)];
        const before = await Promise.all(streams.map(async (stream) => read(store, stream)));
        const opened = await reopen();
        assert.deepEqual(await Promise.all(streams.map(async (stream) => read(opened, stream))), before);
      },
    },
    {
      name: 'metadata of an ordinary stream do not count as one of its events',
      run: async ({ store }) => {
        const category = newCategory();
        const stream = newStream(category);
        await setStreamMetadata(store, stream, { metadata: { maxCount: 5, custom: {} }, expected: 'no-stream' });
        await store.append(stream, numbered(1), { expected: 'any' });
        assert.equal((await read(store, categoryStream(category))).length, 1);
        assert.equal((await read(store, metadataStreamOf(stream))).length, 1);
        const inLog = await all(store.readAll({ filter: { streamPrefixes: [stream, metadataStreamOf(stream)] } }));
        assert.equal(inLog.length, 2);
      },
    },
  ],
};

function numbersOf(events: readonly RecordedEvent[]): (bigint | undefined)[] {
  return events.map(({ link }) => link?.revision);
}

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
