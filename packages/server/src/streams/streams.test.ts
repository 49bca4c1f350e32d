import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { jsonEvent, streamName, type StreamName } from 'daybook';
import { openMemoryStore } from 'daybook/memory';
import { openSqliteStore } from 'daybook/sqlite';

import { Reader } from '../protocol/reader.ts';
import { framed, type Writer } from '../protocol/writer.ts';
import { startServer } from '../start-server.ts';

/** What must come comes long before this: a test that waits in vain fails, and does not hang. */
const within = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(60_000) });

const service = '/event_store.client.streams.Streams';

describe('the Streams service on the wire', () => {
  const stack = new AsyncDisposableStack();
  const store = stack.use(openMemoryStore());
  let port = 0;
  before(async () => {
    port = stack.use(await startServer({ store, port: 0, dev: true })).port;
  });
  after(() => stack.disposeAsync());

  const call = (method: string, ...requests: readonly Buffer[]): Promise<Answer> =>
    answered(port, `${service}/${method}`, requests);
  const fill = async (stream: StreamName, count: number): Promise<void> => {
    const events = Array.from({ length: count }, (_, number) => jsonEvent({ type: 'Counted', data: { number } }));
    await store.append(stream, events, { expected: 'any' });
  };

  it('says where a stream begins and ends to a client that asks', async () => {
    const stream = newStream();
    await fill(stream, 5);
    await store.append(streamName(`$$${stream}`), [jsonEvent({ type: '$metadata', data: { $tb: 3 } })], {
      expected: 'any',
    });
    const told = async (compatibility: number, from: number, count = 100): Promise<unknown> =>
      (await call('Read', readRequest({ stream, compatibility, from, count }))).messages.map((message) =>
        contentOf(message),
      );
    assert.deepEqual(await told(1, 0), [[5, 3n], [1], [1], [6, 4n]]);
    assert.deepEqual(await told(1, 4), [[1], [6, 4n]]);
    assert.deepEqual(await told(1, 0, 1), [[5, 3n], [1], [6, 4n]]);
    assert.deepEqual(await told(1, 9), [[6, 4n]]);
    assert.deepEqual(await told(0, 0), [[1], [1]]);
  });

  it('tells a stream that is not there in the answer, with OK', async () => {
    const { messages, trailers } = await call('Read', readRequest({ stream: newStream() }));
    assert.deepEqual(
      messages.map((message) => contentOf(message)),
      [[4]],
    );
    assert.equal(trailers['grpc-status'], '0');
  });

  it('refuses reads whose options cannot be', async () => {
    const stream = newStream();
    const statusOf = async (options: Partial<ReadOptions>): Promise<unknown> =>
      (await call('Read', readRequest({ stream, ...options }))).trailers['grpc-status'];
    assert.equal(await statusOf({ hasUuidForm: false }), '3');
    assert.equal(await statusOf({ hasFilterOption: false }), '3');
    assert.equal(await statusOf({ isBackwards: true, count: 'subscription' }), '3');
    assert.equal(await statusOf({ from: 2n ** 63n }), '3');
    assert.equal(
      (
        await call(
          'Read',
          framed((w) => w.string(1, '\u0001\u0005x')),
        )
      ).trailers['grpc-status'],
      '3',
    );
    assert.equal((await call('Read')).trailers['grpc-status'], '3');
  });

  it('answers an append, and one that is refused, in a message', async () => {
    const stream = newStream();
    const append = (expected: (options: Writer) => void, ...types: readonly string[]): Promise<Answer> =>
      call('Append', appendOptions(stream, expected), ...types.map((type) => proposed(type)));
    const written = await append((o) => o.message(3), 'A', 'B');
    assert.deepEqual(contentOf(written.messages[0]), [1]);
    const refusedAnswer = await append((o) => o.uint(2, 9), 'C');
    assert.equal(refusedAnswer.trailers['grpc-status'], '0');
    assert.deepEqual(numbersIn(refusedAnswer.messages[0]), [
      [1, 1n],
      [6, 1n],
      [3, 9n],
      [8, 9n],
    ]);
    const noStream = await append((o) => o.message(3), 'C');
    assert.deepEqual(numbersIn(noStream.messages[0]).slice(0, 3), [
      [1, 1n],
      [6, 1n],
      [3, 2n ** 64n - 1n],
    ]);
    const checked = await append((o) => o.uint(2, 1));
    assert.deepEqual(numbersIn(checked.messages[0])[0], [1, 1n]);
    assert.deepEqual(numbersIn((await append((o) => o.uint(2, 0))).messages[0])[0], [1, 1n]);
  });

  it('refuses an append without events to a deleted stream that is expected to exist', async () => {
    const stream = newStream();
    await fill(stream, 1);
    await store.deleteStream(stream, { expected: 'any' });
    const check = (expected: (options: Writer) => void): Promise<Answer> =>
      call('Append', appendOptions(stream, expected));
    assert.equal((await check((o) => o.message(5))).trailers['exception'], 'stream-deleted');
    assert.equal((await store.streamState(stream)).status, 'deleted');
    await store.tombstoneStream(stream, { expected: 'any' });
    assert.equal((await check((o) => o.message(4))).trailers['exception'], 'stream-deleted');
  });

  it('names what an event lacks', async () => {
    const stream = newStream();
    const { trailers } = await call(
      'Append',
      appendOptions(stream, (o) => o.message(4)),
      proposed(undefined),
    );
    assert.equal(trailers['grpc-status'], '3');
    assert.equal(trailers['exception'], 'missing-required-metadata-property');
    assert.equal(trailers['required-metadata-properties'], 'type,content-type');
  });

  it('names the stream and its revision when a delete is refused', async () => {
    const stream = streamName(`Größe-${crypto.randomUUID()}`);
    await fill(stream, 3);
    const request = framed((w) => w.message(1, (o) => o.message(1, (s) => s.string(3, stream)).uint(2, 0)));
    const { trailers } = await call('Delete', request);
    assert.equal(trailers['grpc-status'], '9');
    assert.equal(trailers['exception'], 'wrong-expected-version');
    assert.equal(trailers['stream-name'], encodeURIComponent(stream));
    assert.equal(trailers['expected-version'], '0');
    assert.equal(trailers['actual-version'], '2');
  });

  it('answers every append of a batch, errors too, before a half-closed call ends', async () => {
    const stream = newStream();
    const batch = (id: number, write: (request: Writer) => void): Buffer =>
      framed((w) => write(w.message(1, (uuid) => uuid.string(2, uuidOf(id)))));
    const options = (expected: (o: Writer) => void): ((request: Writer) => Writer) => {
      return (request) => request.message(2, (o) => expected(o.message(1, (s) => s.string(3, stream))));
    };
    const { messages, trailers } = await call(
      'BatchAppend',
      batch(1, (r) => counted(options((o) => o.message(3))(r))),
      batch(2, (r) => counted(options((o) => o.uint(2, 40))(r)).bool(4, true)),
      batch(1, (r) => counted(r).bool(4, true)),
      batch(3, (r) => counted(r).bool(4, true)), // Nobody said to which stream: it is passed over.
      batch(4, (r) => counted(options((o) => o.message(4).message(6, (t) => t.uint(1, 1)))(r)).bool(4, true)),
      batch(5, (r) => counted(options((o) => o.message(4))(r))), // Never finished.
    );
    assert.equal(trailers['grpc-status'], '0');
    const answers = new Map(messages.map((message) => [correlationOf(message), contentsOf(message)]));
    assert.deepEqual(
      [...answers.keys()].toSorted(),
      [1, 2, 4].map((id) => uuidOf(id)),
    );
    assert.ok(answers.get(uuidOf(1))?.has(3), 'the first succeeds');
    assert.equal(statusIn(answers.get(uuidOf(2))?.get(2)), 6n);
    assert.equal(statusIn(answers.get(uuidOf(4))?.get(2)), 4n);
    for (const answer of answers.values()) assert.ok(answer.has(4), 'an answer names its stream');
    assert.equal((await Array.fromAsync(store.readStream(stream))).length, 2);
  });

  it('waits for what a store is still writing before a half-closed call ends', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'daybook-streams-'));
    try {
      await using disk = await openSqliteStore(join(folder, 'log.db'));
      await using server = await startServer({ store: disk, port: 0, dev: true });
      const requests = Array.from({ length: 50 }, (_, id) =>
        framed((w) =>
          w
            .message(1, (uuid) => uuid.string(2, uuidOf(id)))
            .message(2, (o) => o.message(1, (s) => s.string(3, newStream())).message(4))
            .message(3, (event) => writeProposed(event, 'Counted'))
            .bool(4, true),
        ),
      );
      const { messages } = await answered(server.port, `${service}/BatchAppend`, requests);
      assert.equal(messages.length, 50);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('times out an append whose end never comes, and keeps the call open', async () => {
    const request = framed((w) =>
      w
        .message(1, (uuid) => uuid.string(2, uuidOf(1)))
        .message(2, (o) =>
          o
            .message(1, (s) => s.string(3, newStream()))
            .message(4)
            .message(7, (duration) => duration.uint(2, 50_000_000)),
        ),
    );
    const { messages } = await answered(port, `${service}/BatchAppend`, [request], 1);
    assert.equal(statusIn(contentsOf(messages[0] ?? Buffer.alloc(0)).get(2)), 4n);
  });

  it('lets go of a subscription when its client cancels', async () => {
    const stream = newStream();
    await fill(stream, 2);
    const request = readRequest({ stream, count: 'subscription' });
    const { messages } = await answered(port, `${service}/Read`, [request], 4);
    assert.deepEqual(
      messages.map((message) => contentOf(message)[0]),
      [2, 1, 1, 8],
    );
    for (let turn = 0; store.subscribers > 0 && turn < 1_000; turn += 1) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    assert.equal(store.subscribers, 0);
  });
});

function newStream(): StreamName {
  return streamName(`Wire-${crypto.randomUUID()}`);
}

interface Answer {
  readonly messages: readonly Buffer[];
  readonly trailers: IncomingHttpHeaders;
}

/** What a server answers. With `count` the client waits for so many messages only, and then cancels. */
async function answered(port: number, path: string, requests: readonly Buffer[], count = Infinity): Promise<Answer> {
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    let trailers: IncomingHttpHeaders = {};
    const take = (headers: IncomingHttpHeaders): void => void (trailers = { ...trailers, ...headers });
    stream.on('response', take);
    stream.on('trailers', take);
    for (const request of requests) stream.write(request);
    if (count === Infinity) stream.end();
    let received = Buffer.alloc(0);
    const messages: Buffer[] = [];
    for await (const bytes of stream) {
      received = Buffer.concat([received, bytes as Buffer]); // A stream of HTTP/2 gives buffers.
      while (received.length >= 5 && received.length >= 5 + received.readUInt32BE(1)) {
        const end = 5 + received.readUInt32BE(1);
        messages.push(received.subarray(5, end));
        received = received.subarray(end);
      }
      if (messages.length >= count) break;
    }
    if (!stream.closed) await once(stream, 'close', within());
    return { messages, trailers };
  } finally {
    session.destroy();
  }
}

interface ReadOptions {
  readonly stream: string;
  readonly from: number | bigint;
  readonly count: number | 'subscription';
  readonly compatibility: number;
  readonly isBackwards: boolean;
  readonly hasUuidForm: boolean;
  readonly hasFilterOption: boolean;
}

function readRequest(options: Partial<ReadOptions>): Buffer {
  const { stream = '', from, count = 100, compatibility = 0 } = options;
  return framed((w) =>
    w.message(1, (o) => {
      o.message(1, (s) => {
        s.message(1, (identifier) => identifier.string(3, stream));
        if (from === undefined) s.message(3);
        else s.uint(2, from);
      });
      o.uint(3, options.isBackwards === true ? 1 : 0);
      if (count === 'subscription') o.message(6);
      else o.uint(5, count);
      if (options.hasFilterOption !== false) o.message(8);
      if (options.hasUuidForm !== false) o.message(9, (form) => form.message(2));
      o.message(10, (control) => control.uint(1, compatibility));
    }),
  );
}

function appendOptions(stream: string, expected: (options: Writer) => void): Buffer {
  return framed((w) => w.message(1, (o) => expected(o.message(1, (s) => s.string(3, stream)))));
}

function proposed(type: string | undefined): Buffer {
  return framed((w) => w.message(2, (event) => writeProposed(event, type)));
}

/** A part of a batch with one event more. */
function counted(request: Writer): Writer {
  return request.message(3, (event) => writeProposed(event, 'Counted'));
}

function writeProposed(event: Writer, type: string | undefined): void {
  event.message(1, (id) => id.string(2, crypto.randomUUID()));
  if (type !== undefined) event.message(2, (entry) => entry.string(1, 'type').string(2, type));
  event.message(2, (entry) => entry.string(1, 'content-type').string(2, 'application/json')).string(4, '{}');
}

function uuidOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

/** Which message of a `oneof` came, and the number in it if it is one. */
function contentOf(message: Buffer | undefined): readonly unknown[] {
  const reader = new Reader(message ?? Buffer.alloc(0));
  assert.ok(reader.next());
  return reader.field === 5 || reader.field === 6 ? [reader.field, reader.uint64()] : [reader.field];
}

/** The numbers of the message within a message, each with its field. Other fields are left out. */
function numbersIn(message: Buffer | undefined): readonly (readonly [number, bigint])[] {
  const outer = new Reader(message ?? Buffer.alloc(0));
  assert.ok(outer.next());
  const inner = outer.message();
  const numbers: (readonly [number, bigint])[] = [];
  while (inner.next()) {
    try {
      numbers.push([inner.field, inner.uint64()]);
    } catch {
      inner.skip(); // It is no number.
    }
  }
  return numbers;
}

/** The fields of a message that hold bytes. */
function contentsOf(message: Buffer): ReadonlyMap<number, Buffer> {
  const reader = new Reader(message);
  const found = new Map<number, Buffer>();
  while (reader.next()) {
    if ([1, 2, 3, 4].includes(reader.field)) found.set(reader.field, reader.bytes());
    else reader.skip();
  }
  return found;
}

function correlationOf(message: Buffer): string {
  const uuid = new Reader(contentsOf(message).get(1) ?? Buffer.alloc(0));
  assert.ok(uuid.next());
  return uuid.string();
}

/** The code of a `google.rpc.Status`. */
function statusIn(bytes: Buffer | undefined): bigint {
  const status = new Reader(bytes ?? Buffer.alloc(0));
  assert.ok(status.next());
  return status.uint64();
}
