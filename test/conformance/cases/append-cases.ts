import assert from 'node:assert/strict';

import { size } from '../../size.ts';
import { actualOf, all, expecting, newStream, numbered, refused, type ClientCase } from '../support/client-case.ts';

/** Appends through the official clients. */
export const appendCases: readonly ClientCase[] = [
  {
    name: 'an append is taken when the stream is where its writer expects it',
    run: async (context) => {
      const { client } = context;
      const stream = newStream();
      const first = await client.appendToStream(stream, numbered(context, 2), expecting('no_stream'));
      assert.equal(first.nextExpectedRevision, 1n);
      const second = await client.appendToStream(stream, numbered(context, 1), expecting(1n));
      assert.equal(second.nextExpectedRevision, 2n);
      const third = await client.appendToStream(stream, numbered(context, 1), expecting('stream_exists'));
      assert.equal(third.nextExpectedRevision, 3n);
      const fourth = await client.appendToStream(stream, numbered(context, 1), expecting('any'));
      assert.equal(fourth.nextExpectedRevision, 4n);
      const positions = [first, second, third, fourth].map(({ position }) => position?.commit ?? 0n);
      assert.deepEqual(
        positions,
        positions.toSorted((a, b) => (a < b ? -1 : 1)),
      );
      assert.ok(positions.every((position) => position > 0n));
    },
  },
  {
    name: 'an append sent again gives the first answer again',
    run: async (context) => {
      const { client } = context;
      const stream = newStream();
      const events = numbered(context, 3);
      const first = await client.appendToStream(stream, events, expecting('no_stream'));
      for (const expected of ['no_stream', 'any', 'stream_exists'] as const) {
        assert.deepEqual(await client.appendToStream(stream, events, expecting(expected)), first);
      }
      assert.equal((await all(client.readStream(stream))).length, 3);
    },
  },
  {
    name: 'an append at the wrong revision is refused, and says where the stream is',
    run: async (context) => {
      const { client } = context;
      const stream = newStream();
      const append = (expected: Parameters<typeof expecting>[0]): Promise<object> =>
        refused('wrong-expected-version', () =>
          client.appendToStream(stream, numbered(context, 1), expecting(expected)),
        );
      assert.equal(actualOf(await append('stream_exists')), 'no_stream');
      assert.equal(actualOf(await append(0n)), 'no_stream');
      await client.appendToStream(stream, numbered(context, 2), expecting('no_stream'));
      assert.equal(actualOf(await append('no_stream')), 1n);
      assert.equal(actualOf(await append(0n)), 1n);
      assert.equal(actualOf(await append(7n)), 1n);
      assert.equal((await all(client.readStream(stream))).length, 2);
    },
  },
  {
    name: 'bytes, metadata and ids come back as they were sent',
    run: async ({ client, library }) => {
      const stream = newStream('Bytes with @ and ü');
      const data = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      const metadata = Uint8Array.of(0, 255, 10);
      const event = library.binaryEvent({ type: 'Größe', data, metadata });
      await client.appendToStream(stream, [event]);
      const [read] = await all(client.readStream(stream));
      assert.equal(read?.event?.id, event.id);
      assert.equal(read?.event?.type, 'Größe');
      assert.equal(read?.event?.streamId, stream);
      assert.deepEqual(new Uint8Array(read?.event?.data as Uint8Array), data); // A binary event's data are bytes.
      assert.deepEqual(new Uint8Array(read?.event?.metadata as Uint8Array), metadata); // These too.
    },
  },
  {
    name: 'an append in many messages is one append',
    run: async (context) => {
      const { client, library } = context;
      const stream = newStream();
      const events = Array.from({ length: 40 }, (_, number) =>
        library.jsonEvent({ type: 'Large', data: { number, text: 'x'.repeat(20_000) } }),
      );
      const answer = await client.appendToStream(stream, events, {
        ...expecting('no_stream'),
        batchAppendSize: 50_000,
      });
      assert.equal(answer.nextExpectedRevision, 39n);
      assert.equal((await all(client.readStream(stream))).length, 40);
    },
  },
  {
    name: 'thousands of appends at once are all answered',
    run: async (context) => {
      const { client } = context;
      const streams = Array.from({ length: 10 }, () => newStream());
      const count = size(10_000);
      const answers = await Promise.all(
        Array.from({ length: count }, async (_, number) =>
          client.appendToStream(streams[number % streams.length] ?? '', numbered(context, 1), {
            ...expecting('any'),
            deadline: 60_000,
          }),
        ),
      );
      assert.equal(new Set(answers.map(({ position }) => position?.commit)).size, count);
      for (const stream of streams) assert.equal((await all(client.readStream(stream))).length, count / streams.length);
    },
  },
  {
    name: 'what cannot be stored is refused, and the connection goes on',
    run: async (context) => {
      const { client, library } = context;
      const stream = newStream();
      await refused('access-denied', () => client.appendToStream('$ce-Order', numbered(context, 1)));
      const large = library.binaryEvent({ type: 'Large', data: new Uint8Array(1024 * 1024 + 1) });
      await refused('maximum-append-size-exceeded', () => client.appendToStream(stream, [large]));
      await assert.rejects(client.appendToStream('', numbered(context, 1)));
      await assert.rejects(client.appendToStream(stream, [library.jsonEvent({ type: '', data: {} })]));
      const answer = await client.appendToStream(stream, numbered(context, 1), expecting('no_stream'));
      assert.equal(answer.nextExpectedRevision, 0n);
    },
  },
];
