import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { jsonEvent, streamName, type StreamName } from 'daybook';
import { startServer } from 'daybook-server';
import { openMemoryStore } from 'daybook/memory';

import { framed, type Writer } from '../../packages/server/src/protocol/writer.ts';
import { detailIn, fieldsIn, wireCall, type WireAnswer } from './support/wire-call.ts';

const words: Readonly<Record<string, string>> = {
  exists: 'exists',
  'never was': 'never was',
  deleted: 'is deleted',
  tombstoned: 'is tombstoned',
};

/** What the second version of the protocol calls the states of a stream. */
const states = { noStream: -1, any: -2, exists: -4, deleted: -5, tombstoned: -6 } as const;

describe('the second version of the protocol refuses', () => {
  const stack = new AsyncDisposableStack();
  const store = stack.use(openMemoryStore());
  let port = 0;
  before(async () => {
    port = stack.use(await startServer({ store, port: 0, dev: true })).port;
  });
  after(() => stack.disposeAsync());

  const call = (method: string, ...requests: readonly Buffer[]): Promise<WireAnswer> =>
    wireCall(port, `/kurrentdb.protocol.v2.streams.StreamsService/${method}`, requests);

  /** A stream in each of the states that there are. The last revision of the first two is 1. */
  const streamThat = async (state: 'exists' | 'deleted' | 'tombstoned' | 'never was'): Promise<StreamName> => {
    const stream = newStream();
    if (state === 'never was') return stream;
    await store.append(stream, [jsonEvent({ type: 'A', data: {} }), jsonEvent({ type: 'B', data: {} })], {
      expected: 'any',
    });
    if (state === 'deleted') await store.deleteStream(stream, { expected: 'any' });
    if (state === 'tombstoned') await store.tombstoneStream(stream, { expected: 'any' });
    return stream;
  };

  it('a session that appends to a stream twice', async () => {
    const stream = newStream();
    const request = framed((w) => record(w.string(1, stream), 2));
    const answer = await call('AppendSession', request, request);
    const { reason, type, bytes } = detailIn(answer);
    assert.deepEqual(
      [answer.status, reason, type],
      aborted('STREAM_ALREADY_IN_APPEND_SESSION', 'StreamAlreadyInAppendSessionErrorDetails'),
    );
    assert.equal(fieldsIn(bytes)[0]?.bytes.toString(), stream);
    assert.equal((await store.streamState(stream)).status, 'no-stream');
  });

  it('a session without requests', async () => {
    const answer = await call('AppendSession');
    assert.deepEqual([answer.status, detailIn(answer).reason], ['9', 'APPEND_SESSION_NO_REQUESTS']);
  });

  for (const [what, name] of [
    ['a space', 'Order Shipped'],
    ['nothing', ''],
    ['a slash', 'orders/shipped'],
  ] as const) {
    it(`the name of a schema with ${what} in it`, async () => {
      const stream = newStream();
      for (const [method, request] of [
        ['AppendSession', framed((w) => record(w.string(1, stream), 2, { name }))],
        ['AppendRecords', framed((w) => record(w, 1, { name, stream }))],
      ] as const) {
        const answer = await call(method, request);
        assert.deepEqual([answer.status, detailIn(answer).reason], ['3', 'BAD_REQUEST'], method);
      }
      assert.equal((await store.streamState(stream)).status, 'no-stream');
    });
  }

  it('two checks of one stream, however it is written, and a check that expects nothing', async () => {
    const [stream, other] = [newStream(), newStream()];
    const wrong: readonly ((w: Writer) => Writer)[] = [
      (w) => check(check(w, other, states.noStream), other, states.noStream),
      (w) => check(check(w, other, states.noStream), other.toUpperCase(), states.exists),
      (w) => check(w, other, states.any),
      (w) => check(w, other, -3),
      (w) => check(w, other, -7),
    ];
    for (const checks of wrong) {
      const answer = await call(
        'AppendRecords',
        framed((w) => checks(record(w, 1, { stream }))),
      );
      assert.deepEqual([answer.status, detailIn(answer).reason], ['3', 'BAD_REQUEST'], checks.toString());
    }
    assert.equal((await store.streamState(stream)).status, 'no-stream');
  });

  /** For each state that a stream is in: what is expected, and where it is then said to be, or that the check holds. */
  const table = {
    exists: { 0: 1, 1: 'holds', noStream: 1, exists: 'holds', deleted: 1, tombstoned: 1 },
    'never was': { 0: -1, 1: -1, noStream: 'holds', exists: -1, deleted: -1, tombstoned: -1 },
    deleted: { 0: 1, 1: 'holds', noStream: 'holds', exists: -5, deleted: 'holds', tombstoned: 1 },
    tombstoned: { 0: -6, 1: -6, noStream: 'holds', exists: -6, deleted: -6, tombstoned: 'holds' },
  } as const;
  for (const [state, row] of Object.entries(table)) {
    it(`a check of a stream that ${words[state]}, unless it holds, and says where the stream is`, async () => {
      const stream = await streamThat(state as keyof typeof table); // Its own key.
      for (const [name, actual] of Object.entries(row)) {
        const expected = stateOf(name);
        const beside = newStream();
        const answer = await call(
          'AppendRecords',
          framed((w) => check(record(w, 1, { stream: beside }), stream, expected)),
        );
        if (actual === 'holds') assert.equal(answer.status, '0', name);
        else assert.deepEqual(violationsIn(answer), [{ index: 0, stream, expected, actual }], name);
        assert.equal((await store.streamState(beside)).status, actual === 'holds' ? 'exists' : 'no-stream', name);
      }
    });
  }

  it('records for a tombstoned stream, whatever is expected of it, and says -6', async () => {
    const stream = await streamThat('tombstoned');
    const [first, second] = [newStream(), newStream()];
    const unchecked = await call(
      'AppendRecords',
      framed((w) => check(record(record(w, 1, { stream: first }), 1, { stream }), second, states.noStream)),
    );
    assert.deepEqual(violationsIn(unchecked), [{ index: 2, stream, expected: states.any, actual: states.tombstoned }]);
    for (const expected of [1, states.noStream, states.exists, states.deleted, states.tombstoned]) {
      const answer = await call(
        'AppendRecords',
        framed((w) => check(record(w, 1, { stream }), stream, expected)),
      );
      assert.deepEqual(violationsIn(answer), [{ index: 0, stream, expected, actual: states.tombstoned }]);
    }
    assert.equal((await store.streamState(first)).status, 'no-stream');
  });

  it('names every stream that is not as it should be, by the place of its check', async () => {
    const [there, deleted] = [await streamThat('exists'), await streamThat('deleted')];
    const request = framed((w) =>
      check(
        check(check(record(w, 1, { stream: there }), newStream(), states.noStream), deleted, states.exists),
        there,
        0,
      ),
    );
    assert.deepEqual(violationsIn(await call('AppendRecords', request)), [
      { index: 1, stream: deleted, expected: states.exists, actual: states.deleted },
      { index: 2, stream: there, expected: 0, actual: 1 },
    ]);
  });
});

function newStream(): StreamName {
  return streamName(`records-${crypto.randomUUID()}`);
}

function stateOf(name: string): number {
  return name in states ? states[name as keyof typeof states] : Number(name); // It is there.
}

function aborted(reason: string, type: string): readonly string[] {
  return ['10', reason, type];
}

/** Writes an `AppendRecord`. */
function record(
  writer: Writer,
  field: number,
  { stream, name = 'OrderShipped' }: { readonly stream?: string; readonly name?: string } = {},
): Writer {
  return writer.message(field, (each) => {
    each.message(3, (schema) => schema.uint(1, 1).string(2, name)).string(4, '{}');
    if (stream !== undefined) each.string(5, stream);
  });
}

/** Writes a `ConsistencyCheck`. */
function check(writer: Writer, stream: string, expected: number): Writer {
  return writer.message(2, (each) => each.message(1, (state) => state.string(1, stream).sint(2, expected)));
}

interface Violation {
  readonly index: number;
  readonly stream: string;
  readonly expected: number;
  readonly actual: number;
}

/** A number that was written as an `int32` and read as a `sint32`. */
function plain(number: number): number {
  return number < 0 ? -2 * number - 1 : 2 * number;
}

function violationsIn(answer: WireAnswer): readonly Violation[] {
  const { reason, bytes } = detailIn(answer);
  assert.deepEqual([answer.status, reason], ['9', 'APPEND_CONSISTENCY_VIOLATION']);
  return fieldsIn(bytes).map((violation) => {
    const [index, state] = fieldsIn(violation.bytes);
    const [stream, expected, actual] = fieldsIn(state?.bytes ?? Buffer.alloc(0));
    return {
      index: plain(Number(index?.number)),
      stream: stream?.bytes.toString() ?? '',
      expected: Number(expected?.number),
      actual: Number(actual?.number),
    };
  });
}
