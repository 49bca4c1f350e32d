import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import {
  derivedStream,
  jsonEvent,
  setStreamMetadata,
  streamName,
  type EventStore,
  type RecordedEvent,
  type StreamAppend,
  type StreamName,
} from 'daybook';
import { startServer } from 'daybook-server';
import { kurrentStore, type KurrentClient, type KurrentStoreOptions } from 'daybook/kurrent';
import { openMemoryStore } from 'daybook/memory';

import type { ClientName } from '../support/clients.ts';

/** What a case about the adapter gets. */
export interface AdapterContext {
  /** A new client for a server, disposed of after the case. */
  readonly connect: (connectionString: string) => Promise<KurrentClient>;
  /** Of the server that all cases share. */
  readonly connectionString: string;
}

/** One thing that the adapter does beyond the contract, or instead of it. */
export interface AdapterCase {
  readonly name: string;
  /** Default: both. */
  readonly only?: ClientName;
  readonly run: (context: AdapterContext) => Promise<void>;
}

/** What the adapter makes of a protocol that cannot do everything, and of servers that go away. */
export const adapterCases: readonly AdapterCase[] = [
  {
    name: 'streams are listed in the order of their names, with counts, and deleted ones left out',
    run: async (context) => {
      await using store = await opened(context);
      const category = `Listed${randomUUID().slice(0, 8)}`;
      const names = ['b', 'a', 'é', '\u{10000}', 'gone', 'closed'].map((id) => streamName(`${category}-${id}`));
      for (const name of names) await store.append(name, [event(), event(), event()], { expected: 'no-stream' });
      await store.deleteStream(streamName(`${category}-gone`), { expected: 'any' });
      await store.tombstoneStream(streamName(`${category}-closed`), { expected: 'any' });
      const listed = await Array.fromAsync(store.listStreams({ category }));
      assert.deepEqual(
        listed.map(({ stream, revision, events }) => [stream.slice(category.length + 1), revision, events]),
        ['a', 'b', 'é', '\u{10000}'].map((id) => [id, 2n, 3n]),
      );
      const [last] = await Array.fromAsync(store.readStream(streamName(`${category}-a`), { direction: 'backwards' }));
      assert.equal(listed[0]?.position, last?.position);
      const prefixed = await Array.fromAsync(store.listStreams({ prefix: `${category}-a` }));
      assert.deepEqual(
        prefixed.map(({ stream }) => stream),
        [`${category}-a`],
      );
    },
  },
  {
    name: 'system streams are listed when asked for, those that hold metadata and those that are deleted never',
    run: async (context) => {
      await using store = await opened(context);
      const [kept, deleted] = [streamName(`$${newStream()}`), streamName(`$${newStream()}`)];
      for (const stream of [kept, deleted]) await store.append(stream, [event(), event()], { expected: 'no-stream' });
      await setStreamMetadata(store, kept, { metadata: { custom: {} }, expected: 'any' });
      await store.deleteStream(deleted, { expected: 'any' });
      const plain = newStream();
      await store.append(plain, [event()], { expected: 'no-stream' });
      const listed = await Array.fromAsync(store.listStreams({ system: 'include' }));
      const names = listed.map(({ stream }) => stream);
      assert.ok(names.includes(kept) && names.includes(plain) && !names.includes(deleted));
      assert.deepEqual(
        names.filter((name) => name.startsWith('$$') || derivedStream(name) !== undefined),
        [],
      );
      const prefixed = await Array.fromAsync(store.listStreams({ prefix: kept, system: 'include' }));
      assert.deepEqual(
        prefixed.map(({ stream, revision, events }) => ({ stream, revision, events })),
        [{ stream: kept, revision: 1n, events: 2n }],
      );
      assert.deepEqual(await Array.fromAsync(store.listStreams({ prefix: kept })), []);
      assert.deepEqual(await Array.fromAsync(store.listStreams({ category: kept.slice(0, 9), system: 'include' })), []);
    },
  },
  {
    name: 'what the protocol does not have is refused, and nothing happens',
    run: async (context) => {
      await using store = await opened(context);
      const stream = newStream();
      await refused('not-supported', () => Array.fromAsync(store.listCategories()));
      await refused('not-supported', () => Array.fromAsync(store.listEventTypes()));
      const imported = { ...event(), created: new Date(0) };
      await refused('not-supported', () => store.append(stream, [imported], { expected: 'any' }));
      assert.equal((await store.streamState(stream)).status, 'no-stream');
      assert.deepEqual(Object.keys(await store.head()), ['position']);
    },
  },
  {
    name: 'an event is the one that the server has, its time to the millisecond, read or subscribed to',
    run: async (context) => {
      await using memory = openMemoryStore({ now: () => 1_470_693_900_031 });
      await using server = await startServer({ store: memory, port: 0, dev: true });
      await using store = kurrentStore(await context.connect(`esdb://127.0.0.1:${server.port}?tls=false`));
      const stream = newStream();
      await store.append(stream, [event()], { expected: 'no-stream' });
      const [there] = await Array.fromAsync(memory.readStream(stream));
      assert.equal(there?.created.getTime(), 1_470_693_900_031);
      for await (const read of store.readStream(stream)) assert.deepEqual(comparable(read), comparable(there));
      for await (const message of store.subscribeToStream(stream)) {
        if (message.kind !== 'event') break;
        assert.deepEqual(comparable(message.event), comparable(there));
      }
    },
  },
  {
    name: 'a repeat is known of an append that another process sent',
    run: async (context) => {
      await using first = await opened(context);
      await using second = await opened(context);
      const stream = newStream();
      const events = [event(), event()];
      const answer = await first.append(stream, events, { expected: 'no-stream' });
      const again = await second.append(stream, events, { expected: 'no-stream' });
      assert.deepEqual(again, { ...answer, outcome: 'repeated' });
    },
  },
  {
    name: 'a client that was told not to throw is refused all the same',
    run: async (context) => {
      await using store = await opened(context, '&throwOnAppendFailure=false');
      const stream = newStream();
      await store.append(stream, [event(), event()], { expected: 'no-stream' });
      const error = await refused('wrong-expected-revision', () =>
        store.append(stream, [event()], { expected: 'no-stream' }),
      );
      assert.equal(Reflect.get(error, 'actual'), 1n);
    },
  },
  {
    name: 'an append to several streams keeps metadata that are texts, and refuses others',
    only: '@kurrent/kurrentdb-client',
    run: async (context) => {
      await using store = await opened(context);
      const [one, two] = [newStream(), newStream()];
      const both = (metadata: Record<string, unknown>): Promise<unknown> =>
        store.appendAll([
          { stream: one, events: [event()], expected: 'any' },
          { stream: two, events: [jsonEvent({ type: 'Sent', data: {}, metadata })], expected: 'any' },
        ]);
      await refused('not-supported', () => both({ $correlationId: 7 }));
      assert.equal((await store.streamState(one)).status, 'no-stream');
      await both({ $correlationId: 'seven' });
      const [read] = await Array.fromAsync(store.readStream(two));
      assert.equal(JSON.parse(Buffer.from(read?.metadata ?? []).toString()).$correlationId, 'seven');
    },
  },
  {
    name: 'an append to several streams is refused by a client that cannot, and to one stream it is an append',
    only: '@eventstore/db-client',
    run: async (context) => {
      await using store = await opened(context);
      const [one, two] = [newStream(), newStream()];
      await refused('not-supported', () => store.appendAll([part(one), part(two)]));
      assert.equal((await store.streamState(one)).status, 'no-stream');
      const { streams } = await store.appendAll([part(one), part(one)]);
      assert.deepEqual(
        streams.map(({ firstRevision, revision }) => [firstRevision, revision]),
        [[0n, 1n]],
      );
    },
  },
  {
    name: 'a server that is not there was not written to',
    run: async ({ connect }) => {
      await using store = kurrentStore(await connect('esdb://127.0.0.1:9?tls=false'));
      await refused('store-unavailable', () => store.append(newStream(), [event()], { expected: 'any' }));
      await refused('store-unavailable', () => Array.fromAsync(store.readAll()));
      await refused('store-unavailable', () => store.streamState(newStream()));
    },
  },
  {
    name: 'an append whose server goes away has an unknown outcome, and the same append tells it later',
    run: async (context) => {
      await using memory = openMemoryStore();
      const began = Promise.withResolvers<void>();
      const silent = slow(memory, () => began.resolve());
      const server = await startServer({ store: silent, port: 0, dev: true });
      await using store = kurrentStore(await context.connect(`esdb://127.0.0.1:${server.port}?tls=false`));
      const stream = newStream();
      const lost = event();
      const appending = refused('unknown-outcome', () => store.append(stream, [lost], { expected: 'no-stream' }));
      await began.promise;
      await server[Symbol.asyncDispose]();
      await appending;
      assert.equal((await memory.append(stream, [lost], { expected: 'no-stream' })).outcome, 'repeated');
    },
  },
  {
    name: 'an append that is not answered in time has an unknown outcome',
    run: async (context) => {
      await using memory = openMemoryStore();
      await using server = await startServer({ store: slow(memory, () => {}), port: 0, dev: true });
      const client = await context.connect(`esdb://127.0.0.1:${server.port}?tls=false`);
      await using store = kurrentStore(client, { timeoutMs: 300 });
      await refused('unknown-outcome', () => store.append(newStream(), [event()], { expected: 'any' }));
    },
  },
  {
    name: 'a store that is disposed of ends what is going on, and leaves the client to its owner',
    run: async (context) => {
      const client = await context.connect(context.connectionString);
      const store = kurrentStore(client);
      const other = kurrentStore(client);
      const stream = newStream();
      const waiting = refused('store-closed', () => Array.fromAsync(store.subscribeToStream(stream)));
      const reading = store.readAll()[Symbol.asyncIterator]();
      await reading.next();
      await store[Symbol.asyncDispose]();
      await waiting;
      await refused('store-closed', () => store.append(stream, [event()], { expected: 'any' }));
      await refused('store-closed', () => store.streamState(stream));
      assert.equal((await other.append(stream, [event()], { expected: 'any' })).revision, 0n);
      await other[Symbol.asyncDispose]();
    },
  },
];

async function opened(context: AdapterContext, more = '', options?: KurrentStoreOptions): Promise<EventStore> {
  return kurrentStore(await context.connect(context.connectionString + more), options);
}

/** A store that writes, and never says so. */
function slow(store: EventStore, onWritten: () => void): EventStore {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name !== 'append') return value.bind(target) as unknown;
      return async (...words: Parameters<EventStore['append']>) => {
        await target.append(...words);
        onWritten();
        return new Promise(() => {});
      };
    },
  });
}

/** An event whose bytes can be compared, whatever kind of array they are in. */
function comparable({ data, metadata, ...others }: RecordedEvent): object {
  return { ...others, data: [...data], metadata: [...metadata] };
}

function part(stream: StreamName): StreamAppend {
  return { stream, events: [event()], expected: 'any' };
}

function newStream(): StreamName {
  return streamName(`Adapted-${randomUUID()}`);
}

function event(): ReturnType<typeof jsonEvent> {
  return jsonEvent({ type: 'Sent', data: { a: 1 } });
}

async function refused(code: string, call: () => Promise<unknown>): Promise<Error> {
  try {
    await call();
  } catch (error) {
    assert.ok(error instanceof Error);
    assert.equal(Reflect.get(error, 'code'), code, error.stack);
    return error;
  }
  return assert.fail(`it was not refused with ${code}`);
}
