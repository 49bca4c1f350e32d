import assert from 'node:assert/strict';

import { actualOf, all, expecting, newStream, numbered, refused, type ClientCase } from '../support/client-case.ts';

/** The largest revision there is. */
const tombstone = 2n ** 63n - 1n;

/** Deletes, tombstones and metadata through the official clients. */
export const deleteCases: readonly ClientCase[] = [
  {
    name: 'a deleted stream is not found, and goes on at its next revision',
    run: async (context) => {
      const { client } = context;
      const stream = newStream();
      await client.appendToStream(stream, numbered(context, 3));
      const { position } = await client.deleteStream(stream, expecting(2n));
      assert.ok((position?.commit ?? 0n) > 0n);
      await refused('stream-not-found', () => all(client.readStream(stream)));
      await refused('stream-deleted', () =>
        client.appendToStream(stream, numbered(context, 1), expecting('stream_exists')),
      );
      const again = await client.appendToStream(stream, numbered(context, 1), expecting('any'));
      assert.equal(again.nextExpectedRevision, 3n);
      const [first] = await all(client.readStream(stream));
      assert.equal(first?.event?.revision, 3n);
    },
  },
  {
    name: 'a delete at the wrong revision is refused, and says where the stream is',
    run: async (context) => {
      const { client } = context;
      const stream = newStream();
      await client.appendToStream(stream, numbered(context, 2));
      for (const remove of [
        () => client.deleteStream(stream, expecting(0n)),
        () => client.tombstoneStream(stream, expecting(0n)),
      ]) {
        assert.equal(actualOf(await refused('wrong-expected-version', remove)), 1n);
      }
      const missing = await refused('wrong-expected-version', () => client.deleteStream(newStream(), expecting(0n)));
      assert.equal(actualOf(missing), 'no_stream');
    },
  },
  {
    name: 'a tombstoned stream is closed for good, and its tombstone is in the log',
    run: async (context) => {
      const { client } = context;
      const stream = newStream();
      await client.appendToStream(stream, numbered(context, 1));
      const { position } = await client.tombstoneStream(stream, expecting(0n));
      await refused('stream-deleted', () => all(client.readStream(stream)));
      await refused('stream-deleted', () => client.appendToStream(stream, numbered(context, 1)));
      await refused('stream-deleted', () => client.tombstoneStream(stream));
      assert.ok(position !== undefined);
      const [found] = await all(client.readAll({ fromPosition: position, maxCount: 1 }));
      assert.equal(found?.event?.type, '$streamDeleted');
      assert.equal(found?.event?.revision, tombstone);
      assert.equal(found?.event?.streamId, stream);
    },
  },
  {
    name: 'metadata hide the beginning of a stream',
    run: async (context) => {
      const { client } = context;
      const stream = newStream();
      await client.appendToStream(stream, numbered(context, 5));
      await client.setStreamMetadata(stream, { maxCount: 2, owner: 'me' });
      const { metadata } = await client.getStreamMetadata(stream);
      assert.deepEqual({ ...metadata }, { maxCount: 2, owner: 'me' });
      const events = await all(client.readStream(stream));
      assert.deepEqual(
        events.map(({ event }) => event?.revision),
        [3n, 4n],
      );
      const none = await client.getStreamMetadata(newStream());
      assert.equal(none.metadata, undefined);
    },
  },
];
