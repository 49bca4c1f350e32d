import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import type { NewEvent } from '../store/event.ts';
import { defaultLimits, eventTypeBytes, streamNameBytes } from '../store/limits.ts';
import { streamName } from '../store/stream-name.ts';
import type { ContractSuite } from './contract-case.ts';
import { all, factsOf, failure, newCategory, newStream, numbered, one, read, refused } from './contract-tools.ts';

const { eventBytes, metadataBytes, appendBytes, appendEvents } = defaultLimits;

/** What is too large or means nothing. The store has the default limits. */
export const limitContract: ContractSuite = {
  name: 'limits and bad input',
  cases: [
    {
      name: 'an event of exactly the limit is stored, one byte more is refused with the facts',
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, [sized(eventBytes)], { expected: 'any' });
        const large = sized(eventBytes + 1);
        const error = await refused('event-too-large', () => store.append(stream, [large], { expected: 'any' }));
        assert.deepEqual(factsOf(error, 'id', 'part', 'sizeBytes', 'limitBytes'), {
          id: large.id,
          part: 'event',
          sizeBytes: eventBytes + 1,
          limitBytes: eventBytes,
        });
        assert.equal((await read(store, stream)).length, 1);
      },
    },
    {
      name: 'metadata count as part of the event, and have a limit of their own',
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, [sized(eventBytes - 100, 100), sized(0, metadataBytes)], { expected: 'any' });
        await refused('event-too-large', () => store.append(stream, [sized(eventBytes, 1)], { expected: 'any' }));
        const error = await refused('event-too-large', () =>
          store.append(stream, [sized(0, metadataBytes + 1)], { expected: 'any' }),
        );
        assert.equal(Reflect.get(error, 'part'), 'metadata');
        assert.equal((await read(store, stream)).length, 2);
      },
    },
    {
      name: 'an append has a limit in bytes',
      run: async ({ store }) => {
        const stream = newStream();
        const quarter = appendBytes / 4;
        const full = [sized(quarter), sized(quarter), sized(quarter), sized(quarter)];
        await store.append(stream, full, { expected: 'any' });
        const error = await refused('append-too-large', () =>
          store.append(stream, [...full, sized(1)], { expected: 'any' }),
        );
        assert.deepEqual(factsOf(error, 'unit', 'size', 'limit'), {
          unit: 'bytes',
          size: appendBytes + 1,
          limit: appendBytes,
        });
        assert.equal((await read(store, stream)).length, 4);
      },
    },
    {
      name: 'an append has a limit in events',
      run: async ({ store }) => {
        const stream = newStream();
        const error = await refused('append-too-large', () =>
          store.append(stream, numbered(appendEvents + 1), { expected: 'any' }),
        );
        assert.deepEqual(factsOf(error, 'unit', 'size', 'limit'), {
          unit: 'events',
          size: appendEvents + 1,
          limit: appendEvents,
        });
        await store.append(stream, numbered(appendEvents), { expected: 'no-stream' });
        assert.equal((await store.streamState(stream)).revision, BigInt(appendEvents - 1));
      },
    },
    {
      name: 'the limits of an append to several streams are those of all of it',
      needs: ['append-all'],
      run: async ({ store }) => {
        const half = numbered(appendEvents / 2 + 1);
        const [a, b] = [newStream(), newStream()];
        await refused('append-too-large', () =>
          store.appendAll([
            { stream: a, events: half, expected: 'any' },
            { stream: b, events: numbered(appendEvents / 2), expected: 'any' },
          ]),
        );
        assert.deepEqual(await read(store, a), []);
      },
    },
    {
      name: 'a type of exactly the limit is stored, a longer one is refused, counted in UTF-8 bytes',
      run: async ({ store }) => {
        const stream = newStream();
        const longest = 'é'.repeat(eventTypeBytes / 2);
        await store.append(stream, [one(longest)], { expected: 'any' });
        await refused('invalid-event', () => store.append(stream, [one(`${longest}x`)], { expected: 'any' }));
        assert.equal((await read(store, stream))[0]?.type, longest);
      },
    },
    {
      name: 'a stream name of exactly the limit works, a longer one is no name',
      run: async ({ store }) => {
        const longest = `${newCategory()}-`.padEnd(streamNameBytes, 'x');
        await store.append(streamName(longest), numbered(1), { expected: 'no-stream' });
        assert.equal((await read(store, longest))[0]?.stream, longest);
        for (const text of [`${longest}x`, '', '$$', '\ud800', 'é'.repeat(streamNameBytes / 2 + 1)]) {
          await refused('invalid-stream-name', async () => streamName(text));
        }
      },
    },
    {
      name: 'the metadata of a stream with the longest name can be set',
      run: async ({ store }) => {
        const longest = streamName(`${newCategory()}-`.padEnd(streamNameBytes, 'y'));
        await store.append(longest, numbered(2), { expected: 'no-stream' });
        await store.deleteStream(longest, { expected: 'any' });
        assert.deepEqual(await read(store, longest), []);
        assert.equal((await store.streamState(longest)).status, 'deleted');
      },
    },
    {
      name: 'events that cannot be stored are refused with the field that is wrong, and nothing is stored',
      run: async ({ store }) => {
        const stream = newStream();
        const wrong: readonly [string, Partial<Readonly<Record<keyof NewEvent, unknown>>>][] = [
          ['id', { id: '' }],
          ['id', { id: 'x'.repeat(36) }],
          ['id', { id: `${randomUUID()} ` }],
          ['id', { id: undefined }],
          ['type', { type: '' }],
          ['type', { type: '\ud800' }],
          ['type', { type: undefined }],
          ['data', { data: 'text' }],
          ['data', { data: undefined }],
          ['metadata', { metadata: '{}' }],
        ];
        for (const [field, fields] of wrong) {
          const event = { ...one('Fine'), ...fields } as NewEvent; // What a caller without types may hand in.
          const error = await refused('invalid-event', () => store.append(stream, [event], { expected: 'any' }));
          assert.equal(Reflect.get(error, 'field'), field);
        }
        assert.equal((await store.streamState(stream)).status, 'no-stream');
      },
    },
    {
      name: 'an append without events is refused',
      run: async ({ store }) => {
        const error = await refused('invalid-event', () => store.append(newStream(), [], { expected: 'any' }));
        assert.equal(Reflect.get(error, 'field'), 'events');
      },
    },
    {
      name: 'all streams are not a stream',
      run: async ({ store }) => {
        await refused('invalid-stream-name', async () => read(store, '$all'));
        await refused('invalid-stream-name', async () => all(store.subscribeToStream(streamName('$all'))));
      },
    },
    {
      name: 'the message of an error is a sentence',
      run: async ({ store }) => {
        const stream = newStream();
        const errors = [
          await failure(() => store.append(stream, [sized(eventBytes + 1)], { expected: 'any' })),
          await failure(() => store.append(stream, numbered(1), { expected: 'stream-exists' })),
          await failure(async () => streamName('')),
        ];
        for (const { message } of errors) assert.match(message, /^["A-Z].*\.$/s);
      },
    },
  ],
};

/** An event with so many bytes of data and of metadata. */
function sized(dataBytes: number, ofMetadata = 0): NewEvent {
  const metadata = ofMetadata === 0 ? undefined : new Uint8Array(ofMetadata).fill(32);
  return { id: randomUUID(), type: 'Sized', data: new Uint8Array(dataBytes).fill(120), metadata };
}
