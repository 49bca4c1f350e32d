import assert from 'node:assert/strict';

import type { ConsistencyCheck } from '@kurrent/kurrentdb-client';

import { actualOf, all, expecting, newStream, numbered, refused, type ClientCase } from '../support/client-case.ts';

const only = '@kurrent/kurrentdb-client';

/** Appends to several streams, which only the newer client has. */
export const recordsCases: readonly ClientCase[] = [
  {
    name: 'several streams are appended to together',
    only,
    run: async (context) => {
      const { client } = context;
      const [first, second] = [newStream(), newStream()];
      const { position, responses } = await client.multiStreamAppend([
        { streamName: first, expectedState: 'no_stream', events: numbered(context, 2) },
        { streamName: second, expectedState: 'any', events: numbered(context, 1) },
      ]);
      assert.ok((position ?? 0n) > 0n);
      assert.deepEqual(responses, [
        { streamName: first, revision: 1n },
        { streamName: second, revision: 0n },
      ]);
      assert.equal((await all(client.readStream(first))).length, 2);
    },
  },
  {
    name: 'when one of several streams is not where it is expected, nothing is written',
    only,
    run: async (context) => {
      const { client } = context;
      const [first, second] = [newStream(), newStream()];
      await client.appendToStream(second, numbered(context, 3));
      const append = (expectedState: bigint | 'no_stream'): Promise<unknown> =>
        client.multiStreamAppend([
          { streamName: first, expectedState: 'no_stream', events: numbered(context, 1) },
          { streamName: second, expectedState, events: numbered(context, 1) },
        ]);
      assert.equal(actualOf(await refused('wrong-expected-version', () => append(0n))), 2n);
      await client.tombstoneStream(second);
      await refused('stream-tombstoned', () => append(2n));
      await refused('stream-not-found', () => all(client.readStream(first)));
    },
  },
  {
    name: 'records keep their order, their metadata and their types',
    only,
    run: async (context) => {
      const { client, library } = context;
      const [first, second] = [newStream(), newStream()];
      const record = (streamName: string, number: number): Parameters<typeof client.appendRecords>[0][number] => ({
        streamName,
        record: library.jsonEvent({ type: 'Recorded', data: { number }, metadata: { who: 'me' } }),
      });
      const { position } = await client.appendRecords([record(first, 0), record(second, 1), record(first, 2)]);
      const [read] = await all(client.readStream(second));
      assert.equal(read?.event?.type, 'Recorded');
      assert.deepEqual(read?.event?.data, { number: 1 });
      assert.deepEqual(read?.event?.metadata, { who: 'me', '$schema.name': 'Recorded', '$schema.format': 'Json' });
      const end = { commit: (position ?? 0n) + 1n, prepare: (position ?? 0n) + 1n };
      const before = client.readAll({ direction: 'backwards', fromPosition: end, maxCount: 3 });
      assert.deepEqual(
        (await all(before)).map(({ event }) => event?.streamId),
        [first, second, first],
      );
    },
  },
  {
    name: 'records are written when all checks hold, and every check that does not is named',
    only,
    run: async (context) => {
      const { client, library } = context;
      const [written, checked, missing] = [newStream(), newStream(), newStream()];
      await client.appendToStream(checked, numbered(context, 2), expecting('no_stream'));
      const record = (): Parameters<typeof client.appendRecords>[0][number] => ({
        streamName: written,
        record: library.jsonEvent({ type: 'Recorded', data: {} }),
      });
      const { responses } = await client.appendRecords([record()], [check(checked, 1n), check(missing, 'no_stream')]);
      assert.deepEqual(responses, [{ streamName: written, revision: 0n }]);
      const error = await refused('append-consistency-violation', () =>
        client.appendRecords(
          [record()],
          [check(checked, 0n), check(missing, 'stream_exists'), check(written, 'no_stream')],
        ),
      );
      assert.deepEqual(Reflect.get(error, 'violations'), [
        { checkIndex: 0, streamName: checked, expectedState: 0n, actualState: 1n },
        { checkIndex: 1, streamName: missing, expectedState: 'stream_exists', actualState: 'no_stream' },
        { checkIndex: 2, streamName: written, expectedState: 'no_stream', actualState: 0n },
      ]);
      assert.equal((await all(client.readStream(written))).length, 1);
    },
  },
];

/** A check of a stream's place. */
function check(streamName: string, expectedState: bigint | 'no_stream' | 'stream_exists'): ConsistencyCheck {
  return { type: 'stream_state', streamName, expectedState };
}
