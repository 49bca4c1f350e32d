import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import { defaultFrontLimits } from './front.ts';
import { unknownError } from './grpc/call-server.ts';
import type { Handler } from './grpc/call.ts';
import { frame } from './grpc/frame.ts';
import { defaultCallLimits } from './grpc/limits.ts';
import { defaultHttpLimits } from './http/http-server.ts';
import { listen, type Server } from './server.ts';

/** What must come comes long before this: a test that waits in vain fails, and does not hang. */
const within = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(60_000) });

function start(handler: Handler, shutdownMs = 10_000): Promise<Server> {
  return listen({
    host: '127.0.0.1',
    port: 0,
    calls: () => ({ methods: { '/t.T/M': handler }, limits: defaultCallLimits, toGrpcError: unknownError }),
    routes: {},
    limits: { front: defaultFrontLimits, http: defaultHttpLimits, shutdownMs },
  });
}

async function call(server: Server): Promise<{ session: ClientHttp2Session; stream: ClientHttp2Stream }> {
  const session = connect(`http://127.0.0.1:${server.port}`);
  const stream = session.request({ ':method': 'POST', ':path': '/t.T/M', 'content-type': 'application/grpc' });
  session.on('error', () => {});
  stream.on('error', () => {});
  stream.write(frame(Buffer.from('a')));
  while (server.stats().calls === 0) await turn();
  return { session, stream };
}

async function trailersOf(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  let found: IncomingHttpHeaders = {};
  stream.on('response', (headers) => (found = { ...found, ...headers }));
  stream.on('trailers', (trailers) => (found = { ...found, ...trailers }));
  stream.resume();
  await once(stream, 'close', within());
  return found;
}

describe('a shutdown', () => {
  it('tells calls that wait, closes every connection, and can be asked for twice', async () => {
    const server = await start(async ({ messages }) => {
      for await (const _ of messages);
    });
    const silent = connectSocket(server.port, '127.0.0.1');
    silent.on('error', () => {});
    const idle = connect(`http://127.0.0.1:${server.port}`);
    await once(idle, 'remoteSettings', within());
    const { session, stream } = await call(server);
    const [trailers] = await Promise.all([
      trailersOf(stream),
      server[Symbol.asyncDispose](),
      server[Symbol.asyncDispose](),
      once(session, 'close', within()),
      once(idle, 'close', within()),
      once(silent.resume(), 'close', within()),
    ]);
    assert.deepEqual([trailers['grpc-status'], trailers['grpc-message']], ['14', 'Server is shutting down']);
    assert.deepEqual(server.stats(), { sockets: 0, calls: 0 });
    await server[Symbol.asyncDispose]();
    await assert.rejects(once(connectSocket(server.port, '127.0.0.1'), 'connect', within()), { code: 'ECONNREFUSED' });
  });

  it('lets an append that is under way answer', async () => {
    const stored = Promise.withResolvers<void>();
    const server = await start(async (each) => {
      await stored.promise;
      assert.ok(each.signal.aborted);
      await each.send(frame(Buffer.from('done')));
    });
    const { stream } = await call(server);
    const answered = once(stream, 'data', within());
    const stopped = server[Symbol.asyncDispose]();
    stored.resolve();
    const [bytes] = (await answered) as [Buffer];
    assert.equal(bytes.subarray(5).toString(), 'done');
    assert.equal((await trailersOf(stream))['grpc-status'], '0');
    await stopped;
  });

  it('does not wait for ever for a handler that does not end, nor for a client that reads nothing', async () => {
    const stuck = await start(() => new Promise(() => {}), 20);
    const { session } = await call(stuck);
    await Promise.all([stuck[Symbol.asyncDispose](), once(session, 'close', within())]);
    assert.equal(stuck.stats().sockets, 0);
    const full = await start(async (each) => {
      for (;;) await each.send(Buffer.alloc(256 * 1024));
    }, 20);
    const { stream, session: slow } = await call(full);
    stream.pause();
    await full[Symbol.asyncDispose]();
    assert.deepEqual(full.stats(), { sockets: 0, calls: 0 });
    slow.destroy();
  });
});
