import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { describe, it } from 'node:test';

import { type EventStore, type LogHead } from 'daybook';
import { openMemoryStore } from 'daybook/memory';

import { startServer } from './start-server.ts';

/** What must come comes long before this: a test that waits in vain fails, and does not hang. */
const within = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(60_000) });

/** The body of a call with an empty message. */
async function ask(port: number, path: string): Promise<Buffer> {
  const session = connect(`http://127.0.0.1:${port}`);
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  stream.end(Buffer.alloc(5));
  const parts: Buffer[] = [];
  stream.on('data', (bytes: Buffer) => parts.push(bytes));
  await once(stream, 'close', within());
  session.close();
  return Buffer.concat(parts);
}

describe('a server', () => {
  it('is only for this machine and for development, until there are users and TLS', async () => {
    await using store = openMemoryStore();
    const refused = { code: 'access-control-missing' };
    await assert.rejects(startServer({ store, port: 0 }), refused);
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'localhost.example.org', '127.0.0.1.example.org', '']) {
      await assert.rejects(startServer({ store, port: 0, dev: true, host }), refused, host);
    }
    for (const host of ['127.0.0.1', 'localhost']) {
      await using server = await startServer({ store, port: 0, dev: true, host });
      assert.deepEqual([server.host, server.stats()], [host, { sockets: 0, calls: 0 }]);
    }
  });

  it('says that its port is in use', async () => {
    await using store = openMemoryStore();
    await using server = await startServer({ store, port: 0, dev: true });
    const { port } = server;
    await assert.rejects(startServer({ store, port, dev: true }), { code: 'port-in-use', port, host: '127.0.0.1' });
  });

  it('tells which methods there are, and which node it is', async () => {
    await using store = openMemoryStore();
    await using server = await startServer({ store, port: 0, dev: true, advertisedHost: 'orders.test' });
    const found = await ask(server.port, '/event_store.client.server_features.ServerFeatures/GetSupportedMethods');
    const text = found.toString('latin1');
    for (const part of [
      'event_store.client.streams.streams',
      'batchappend',
      'deadline_duration',
      'position',
      'event_store.client.gossip.gossip',
      'kurrentdb.protocol.v2.streams.streamsservice',
      'appendrecords',
      '26.1.0',
    ]) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
    assert.ok(!text.includes('persistentsubscriptions'));
    const nodes = await ask(server.port, '/event_store.client.gossip.Gossip/Read');
    // A member is alive (field 4), and is reached at a host (field 1) and a port (field 2), which is a varint.
    const { port } = server;
    const end = Buffer.from([0x20, 1, 0x2a, 0x10, 0x0a, 11, ...Buffer.from('orders.test'), 0x10]);
    const at = nodes.indexOf(end.subarray(0, 3));
    assert.deepEqual(nodes.subarray(at + 4, at + 4 + end.length - 4), end.subarray(4));
    assert.deepEqual(nodes.subarray(at + end.length), varint(port));
  });

  it('answers over HTTP', async () => {
    await using store = openMemoryStore();
    await using server = await startServer({ store, port: 0, dev: true });
    const at = (path: string, method = 'GET'): Promise<Response> =>
      fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    const statuses = await Promise.all(
      [
        at('/health/live'),
        at('/health/live?liveCode=200'),
        at('/health/live?liveCode=99'),
        at('/health/ready'),
        at('/info'),
        at('/ping', 'HEAD'),
        at('/ping', 'POST'),
        at('/nothing', 'POST'),
        at('/constructor'),
      ].map(async (response) => (await response).status),
    );
    assert.deepEqual(statuses, [204, 200, 400, 204, 200, 200, 405, 404, 404]);
    const missing = await at('/nothing', 'POST');
    assert.equal(missing.statusText, 'Not Found');
    assert.deepEqual(await missing.json(), { code: 'not-found', message: 'There is nothing at this path.' });
    const info = (await (await at('/info')).json()) as Record<string, unknown>;
    assert.deepEqual([info['esVersion'], info['state']], ['26.1.0', 'leader']);
  });

  it('is not ready when its store is not', async () => {
    await using store = openMemoryStore();
    const closed: EventStore = Object.create(store, {
      head: { value: (): Promise<LogHead> => Promise.reject(new Error('closed')) },
    }) as EventStore; // The same store, whose log cannot be read.
    await using server = await startServer({ store: closed, port: 0, dev: true });
    const ready = await fetch(`http://127.0.0.1:${server.port}/health/ready`);
    assert.equal(ready.status, 503);
    assert.equal(((await ready.json()) as { code: string }).code, 'not-ready');
  });
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}
