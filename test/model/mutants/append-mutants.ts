import { randomUUID } from 'node:crypto';

import { metadataStreamOf, setStreamMetadata, type AppendedToStream, type ExpectedRevision } from 'daybook';

import type { Mutant } from './altered-store.ts';

/** Stores that append, delete or answer wrongly. */
export const appendMutants: readonly Mutant[] = [
  {
    name: "repeats are not recognised under 'any'",
    alter: (store) => ({
      append: (stream, events, options) => {
        const fresh = events.map((event) => ({ ...event, id: randomUUID() }));
        return store.append(stream, options.expected === 'any' ? fresh : events, options);
      },
    }),
  },
  {
    name: 'a revision that is behind is not checked: updates are lost',
    alter: (store) => ({
      append: async (stream, events, { expected }) => {
        const { revision } = await store.streamState(stream);
        const isBehind = typeof expected === 'bigint' && revision !== undefined && expected < revision;
        return store.append(stream, events, { expected: isBehind ? 'any' : expected });
      },
    }),
  },
  {
    name: "'no-stream' is taken for 'any'",
    alter: (store) => ({
      append: (stream, events, { expected }) =>
        store.append(stream, events, { expected: anyFor('no-stream', expected) }),
    }),
  },
  {
    name: "'stream-exists' is taken for 'any'",
    alter: (store) => ({
      append: (stream, events, { expected }) =>
        store.append(stream, events, { expected: anyFor('stream-exists', expected) }),
    }),
  },
  {
    name: 'an append to several streams is several appends',
    alter: (store) => ({
      appendAll: async (appends) => {
        const streams: AppendedToStream[] = [];
        let outcome: 'appended' | 'repeated' = 'repeated';
        for (const { stream, events, expected } of appends) {
          const appended = await store.append(stream, events, { expected });
          streams.push({ stream, ...appended });
          if (appended.outcome === 'appended') outcome = 'appended';
        }
        return { outcome, streams };
      },
    }),
  },
  {
    name: 'the checks of an append to several streams are forgotten',
    alter: (store) => ({ appendAll: (appends) => store.appendAll(appends) }),
  },
  {
    name: 'a repeat is answered with the end of the stream',
    alter: (store) => ({
      append: async (stream, events, options) => {
        const answer = await store.append(stream, events, options);
        const { revision, position } = await store.streamState(stream);
        const isRepeat = answer.outcome === 'repeated' && revision !== undefined && position !== undefined;
        return isRepeat ? { ...answer, revision, position } : answer;
      },
    }),
  },
  {
    name: 'a tombstone is only a deletion',
    alter: (store) => ({ tombstoneStream: (stream, options) => store.deleteStream(stream, options) }),
  },
  {
    name: 'a deleted stream comes back with its history',
    alter: (store) => ({
      append: async (stream, events, options) => {
        const { status } = await store.streamState(stream);
        const answer = await store.append(stream, events, options);
        if (status === 'deleted') await setStreamMetadata(store, stream, { metadata: { custom: {} }, expected: 'any' });
        return answer;
      },
    }),
  },
  {
    name: 'a deletion does not look at where the stream is',
    alter: (store) => ({ deleteStream: (stream) => store.deleteStream(stream, { expected: 'any' }) }),
  },
  {
    name: 'a deletion keeps the metadata that there were',
    alter: (store) => ({
      deleteStream: async (stream, options) => {
        const { metadata } = await store.streamState(stream);
        const deleted = await store.deleteStream(stream, options);
        const { metadata: now } = await store.streamState(stream);
        await setStreamMetadata(store, stream, {
          metadata: { ...metadata, ...now, custom: metadata.custom },
          expected: 'any',
        });
        const { position = deleted.position } = await store.streamState(metadataStreamOf(stream));
        return { position };
      },
    }),
  },
];

function anyFor(wrong: ExpectedRevision, expected: ExpectedRevision): ExpectedRevision {
  return expected === wrong ? 'any' : expected;
}
