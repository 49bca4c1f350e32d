import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import { defaultFrontLimits } from './front.ts';
import type { Call, Handler } from './grpc/call.ts';
import { frame } from './grpc/frame.ts';
import { defaultCallLimits, type CallLimits } from './grpc/limits.ts';
import { GrpcError, status } from './grpc/status.ts';
import { defaultHttpLimits } from './http/http-server.ts';
import { httpRoutes } from './http/routes.ts';
import { listen, type ListenLimits, type Server } from './server.ts';

/** What must come comes long before this: a test that waits in vain fails, and does not hang. */
const within = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(60_000) });

const kiB = 1024;

interface Started extends AsyncDisposable {
  readonly server: Server;
  readonly session: ClientHttp2Session;
}

type Limits = Partial<CallLimits & ListenLimits>;

/** A server with one method, `/t.T/M`, and a session with it. */
async function start(handler: Handler, limits: Limits = {}): Promise<Started> {
  const server = await listen({
    host: '127.0.0.1',
    port: 0,
    calls: () => ({
      methods: { '/t.T/M': handler },
      limits: { ...defaultCallLimits, ...limits },
      toGrpcError: (error) => new GrpcError(status.internal, `made of ${String(error)}`),
    }),
    routes: httpRoutes({ protocolVersion: '26.1.0', version: '0', isReady: () => Promise.resolve(true) }),
    limits: { front: defaultFrontLimits, http: defaultHttpLimits, shutdownMs: 5_000, ...limits },
  });
  const session = connect(`http://127.0.0.1:${server.port}`);
  session.on('error', () => {});
  return {
    server,
    session,
    async [Symbol.asyncDispose]() {
      session.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

interface Ended {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function open(session: ClientHttp2Session, headers: Readonly<Record<string, string>> = {}): ClientHttp2Stream {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/t.T/M',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  stream.on('error', () => {});
  return stream;
}

/** What comes back, to the end. The status of a call without a body is in `trailers` too. */
async function ended(stream: ClientHttp2Stream): Promise<Ended> {
  const parts: Buffer[] = [];
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  stream.on('response', (found) => (headers = found));
  stream.on('trailers', (found) => (trailers = found));
  stream.on('data', (bytes: Buffer) => parts.push(bytes));
  await once(stream, 'close', within());
  return { headers, trailers: { ...headers, ...trailers }, body: Buffer.concat(parts) };
}

/** Waits until it is so, in turns of the loop, and no longer than ten seconds. */
async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`It did not come to be: ${isSo.toString()}`);
    await turn();
  }
}

/** Answers each message with itself. */
async function echo(call: Call): Promise<void> {
  for await (const message of call.messages) await call.send(frame(message));
}

describe('calls', () => {
  it('one message in, one out, and OK', async () => {
    await using started = await start(echo);
    const stream = open(started.session);
    stream.end(frame(Buffer.from('hello')));
    const { headers, trailers, body } = await ended(stream);
    assert.equal(headers['content-type'], 'application/grpc+proto');
    assert.deepEqual([headers[':status'], headers['grpc-status'], trailers['grpc-status']], [200, undefined, '0']);
    assert.deepEqual(body, frame(Buffer.from('hello')));
    assert.equal(started.server.stats().calls, 0);
  });

  it('an answer goes out with the status, and not at all when the handler fails after it', async () => {
    await using started = await start(async (call) => {
      call.answer(frame(Buffer.from('answer')));
      for await (const message of call.messages) {
        if (message.length > 0) throw new GrpcError(status.aborted, 'no');
      }
    });
    const [good, bad] = [open(started.session), open(started.session)];
    good.end(frame(Buffer.alloc(0)));
    bad.end(frame(Buffer.from('fail')));
    const [answered, failed] = await Promise.all([ended(good), ended(bad)]);
    assert.equal(answered.trailers['grpc-status'], '0');
    assert.deepEqual(answered.body, frame(Buffer.from('answer')));
    assert.equal(failed.trailers['grpc-status'], String(status.aborted));
    assert.equal(failed.body.length, 0);
  });

  it('many messages in, one out', async () => {
    await using started = await start(async (call) => {
      let bytes = 0;
      for await (const message of call.messages) bytes += message.length;
      await call.send(frame(Buffer.from(String(bytes))));
    });
    const stream = open(started.session);
    for (let size = 0; size < 1_000; size++) stream.write(frame(Buffer.alloc(size)));
    stream.end();
    assert.equal((await ended(stream)).body.subarray(5).toString(), '499500');
  });

  it('one message in, many out, and messages of 16 MiB both ways', async () => {
    await using started = await start(async (call) => {
      for await (const message of call.messages) for (let i = 0; i < 3; i++) await call.send(frame(message));
    });
    const stream = open(started.session);
    stream.end(frame(Buffer.alloc(16 * kiB * kiB, 7)));
    const { body, trailers } = await ended(stream);
    assert.equal(body.length, 3 * (16 * kiB * kiB + 5));
    assert.equal(trailers['grpc-status'], '0');
  });

  it('messages go both ways at once', async () => {
    await using started = await start(echo);
    const stream = open(started.session);
    for (const word of ['a', 'b', 'c']) {
      stream.write(frame(Buffer.from(word)));
      const [bytes] = (await once(stream, 'data', within())) as [Buffer];
      assert.equal(bytes.subarray(5).toString(), word);
    }
    stream.end();
    assert.equal((await ended(stream)).trailers['grpc-status'], '0');
  });

  it('2,500 calls in one tick, more than a session takes at once, are all answered', async () => {
    await using started = await start(echo);
    const answers = await Promise.all(
      Array.from({ length: 2_500 }, (_, index) => {
        const stream = open(started.session);
        stream.end(frame(Buffer.from(String(index))));
        return ended(stream);
      }),
    );
    answers.forEach(({ body, trailers }, index) => {
      assert.deepEqual([body.subarray(5).toString(), trailers['grpc-status']], [String(index), '0']);
    });
  });
});

describe('calls that fail', () => {
  it('an error before the first message is told in the headers alone', async () => {
    await using started = await start(() => {
      throw new GrpcError(status.notFound, 'Größe', { exception: 'gone', 'x-bin': new Uint8Array([1]) });
    });
    const stream = open(started.session);
    stream.end(frame(Buffer.alloc(0)));
    const { headers, body } = await ended(stream);
    assert.deepEqual(
      [headers['grpc-status'], headers['grpc-message'], headers['exception'], headers['x-bin'], body.length],
      ['5', 'Gr%C3%B6%C3%9Fe', 'gone', 'AQ', 0],
    );
  });

  it('an error after it is told in the trailers, also to a client that has not ended', async () => {
    await using started = await start(async (call) => {
      await call.send(frame(Buffer.from('a')));
      throw new Error('broken');
    });
    const { headers, trailers, body } = await ended(open(started.session));
    assert.deepEqual([headers['grpc-status'], body.length], [undefined, 6]);
    assert.deepEqual([trailers['grpc-status'], trailers['grpc-message']], ['13', 'made of Error: broken']);
  });

  const refusals: readonly (readonly [string, Readonly<Record<string, string>>, Buffer, string])[] = [
    ['an unknown method', { ':path': '/t.T/N' }, frame(Buffer.alloc(1)), '12'],
    ['a compressed message', {}, Buffer.from([1, 0, 0, 0, 0]), '12'],
    ['a message that claims 4 GiB', {}, Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), '8'],
    ['a message that is cut off', {}, frame(Buffer.alloc(10)).subarray(0, 9), '13'],
    ['a deadline that is none', { 'grpc-timeout': 'soon' }, frame(Buffer.alloc(1)), '13'],
  ];
  for (const [what, headers, body, expected] of refusals) {
    it(`${what} is refused with status ${expected}`, async () => {
      await using started = await start(echo);
      const stream = open(started.session, headers);
      stream.end(body);
      assert.equal((await ended(stream)).trailers['grpc-status'], expected);
      await until(() => started.server.stats().calls === 0);
    });
  }

  it('what is no gRPC is refused by HTTP', async () => {
    await using started = await start(echo);
    const wrongType = open(started.session, { 'content-type': 'application/json' });
    wrongType.end('{}');
    assert.equal((await ended(wrongType)).headers[':status'], 415);
    const get = started.session.request({ ':path': '/t.T/M' });
    assert.equal((await ended(get)).headers[':status'], 405);
  });
});

describe('calls that end early', () => {
  /** Waits until it is aborted, and says why. */
  const reasons: unknown[] = [];
  const patient: Handler = async (call) => {
    await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
    reasons.push(call.signal.reason);
    call.signal.throwIfAborted();
  };

  it('a deadline ends a call whatever its handler does', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await using started = await start(() => promise);
    const stream = open(started.session, { 'grpc-timeout': '20m' });
    assert.equal((await ended(stream)).trailers['grpc-status'], '4');
    assert.equal(started.server.stats().calls, 1);
    resolve();
    await until(() => started.server.stats().calls === 0);
  });

  it('the handler of a cancelled call is told, and 100 of them leave nothing behind', async () => {
    await using started = await start(patient);
    const streams = Array.from({ length: 100 }, () => open(started.session));
    await until(() => started.server.stats().calls === 100);
    for (const stream of streams) stream.close(8);
    await until(() => started.server.stats().calls === 0);
    assert.equal((reasons.at(-1) as GrpcError).status, status.cancelled);
  });

  it('so is the handler whose connection is lost, and the one that reads messages', async () => {
    await using waiting = await start(patient);
    await using reading = await start(echo);
    for (const { server, session } of [waiting, reading]) {
      open(session);
      await until(() => server.stats().calls === 1);
      session.destroy();
      await until(() => server.stats().calls === 0 && server.stats().sockets === 0);
    }
  });

  it('a slow client holds the handler back, and a cancelled one lets it go', async () => {
    let sent = 0;
    await using started = await start(async (call) => {
      for (;;) {
        await call.send(Buffer.alloc(64 * kiB));
        sent += 64;
        await turn();
      }
    });
    const stream = open(started.session);
    stream.pause();
    await until(() => sent > 0);
    let before = -1;
    // The window of the client and what the sockets hold is all that fits.
    for (let same = 0; same < 200; before = sent) {
      if (sent > 8 * kiB) break;
      same = before === sent ? same + 1 : 0;
      await turn();
    }
    assert.ok(sent < 8 * kiB, `${sent} KiB went out to a client that reads nothing`);
    stream.close(8);
    await until(() => started.server.stats().calls === 0);
  });

  it('a slow handler holds the client back', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let read = 0;
    await using started = await start(
      async (call) => {
        await promise;
        for await (const message of call.messages) read += message.length;
      },
      { incomingBytes: 64 * kiB },
    );
    const stream = open(started.session);
    for (let i = 0; i < 4_096; i++) stream.write(frame(Buffer.alloc(kiB)));
    stream.end();
    let before = -1;
    for (let same = 0; same < 200; before = stream.writableLength) {
      same = before === stream.writableLength ? same + 1 : 0;
      await turn();
    }
    assert.ok(before > 2 * kiB * kiB, `only ${before} bytes wait in the client`);
    resolve();
    assert.equal((await ended(stream)).trailers['grpc-status'], '0');
    assert.equal(read, 4_096 * kiB);
  });
});

describe('one port', () => {
  it('HTTP/1.1 and HTTP/2 are told apart, in one piece or byte by byte', async () => {
    await using started = await start(echo);
    const { port } = started.server;
    const ping = await fetch(`http://127.0.0.1:${port}/ping`);
    assert.deepEqual(await ping.json(), { text: 'Ping request successfully handled' });
    for (const [text, answer] of [
      ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', '\x04\0\0\0\0\0'],
      ['PRINT / HTTP/1.1\r\nhost: x\r\n\r\n', 'HTTP/1.1 400'],
      ['GET /ping HTTP/1.1\r\nhost: x\r\n\r\n', 'HTTP/1.1 200 OK'],
    ] as const) {
      const socket = connectSocket(port, '127.0.0.1');
      socket.setNoDelay(true);
      socket.on('error', () => {}); // It may be answered and closed before the last byte.
      const received = once(socket, 'data', within());
      for (const byte of text) {
        socket.write(byte, 'latin1');
        await turn();
      }
      const [bytes] = (await received) as [Buffer];
      assert.ok(bytes.toString('latin1').includes(answer));
      socket.destroy();
    }
  });

  it('who does not say what he speaks, or not all of it, is cut off', async () => {
    await using started = await start(echo, { front: { connections: 10, prefaceMs: 30 } });
    for (const text of ['', 'PRI * HTT']) {
      const socket = connectSocket(started.server.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(text);
      await once(socket.resume(), 'close', within());
    }
    const http = { headersMs: 30, requestMs: 30, idleMs: 30, checkEveryMs: 10 };
    await using strict = await start(echo, { http });
    const socket = connectSocket(strict.server.port, '127.0.0.1');
    socket.write('GET /ping HTTP/1.1\r\nhos');
    const [bytes] = (await once(socket, 'data', within())) as [Buffer];
    assert.match(bytes.toString(), /^HTTP\/1\.1 408/);
    socket.destroy();
  });

  it('one connection more than the limit is closed', async () => {
    await using started = await start(echo, { front: { connections: 1, prefaceMs: 10_000 } });
    await once(started.session, 'connect', within());
    await until(() => started.server.stats().sockets === 1);
    const socket = connectSocket(started.server.port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket.resume(), 'close', within());
    assert.equal(started.server.stats().sockets, 1);
  });
});
