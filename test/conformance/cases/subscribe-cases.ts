import assert from 'node:assert/strict';
import { once } from 'node:events';

import type { AllStreamResolvedEvent, ResolvedEvent } from '@kurrent/kurrentdb-client';

import { all, newStream, numbered, refused, type ClientCase } from '../support/client-case.ts';

/** How long a case waits for what must come. */
const patienceMs = 20_000;

/** Subscriptions through the official clients. */
export const subscribeCases: readonly ClientCase[] = [
  {
    name: 'a subscription gives a stream from its start, and then what is appended',
    run: async (context) => {
      const { client } = context;
      const stream = newStream();
      await client.appendToStream(stream, numbered(context, 3));
      await using following = follow(client.subscribeToStream(stream, { fromRevision: 'start' }));
      assert.deepEqual(revisions(await following.take(3)), [0n, 1n, 2n]);
      await client.appendToStream(stream, numbered(context, 2));
      assert.deepEqual(revisions(await following.take(2)), [3n, 4n]);
    },
  },
  {
    name: 'a subscription goes on after a revision',
    run: async (context) => {
      const { client } = context;
      const stream = newStream();
      await client.appendToStream(stream, numbered(context, 4));
      await using following = follow(client.subscribeToStream(stream, { fromRevision: 1n }));
      assert.deepEqual(revisions(await following.take(2)), [2n, 3n]);
    },
  },
  {
    name: 'a subscription from the end gives only what is new',
    run: async (context) => {
      const { client } = context;
      const stream = newStream();
      await client.appendToStream(stream, numbered(context, 2));
      const subscription = client.subscribeToStream(stream, { fromRevision: 'end' });
      await using following = follow(subscription);
      const caughtUp = once(subscription, 'caughtUp', { signal: AbortSignal.timeout(patienceMs) });
      const begun = following.take(1);
      await caughtUp;
      await client.appendToStream(stream, numbered(context, 1));
      assert.deepEqual(revisions(await begun), [2n]);
    },
  },
  {
    name: 'a subscription to a derived stream gives events with their links, live ones too',
    run: async (context) => {
      const { client } = context;
      const category = `Live${crypto.randomUUID().slice(0, 8)}`;
      await client.appendToStream(newStream(category), numbered(context, 1));
      await using following = follow(client.subscribeToStream(`$ce-${category}`, { resolveLinkTos: true }));
      assert.deepEqual(linkRevisions(await following.take(1)), [0n]);
      await client.appendToStream(newStream(category), numbered(context, 2));
      assert.deepEqual(linkRevisions(await following.take(2)), [1n, 2n]);
    },
  },
  {
    name: 'a filtered subscription tells how far it has looked, and goes on from there',
    run: async (context) => {
      const { client, library } = context;
      const type = `Rare${crypto.randomUUID()}`;
      const start = await client.appendToStream(newStream(), numbered(context, 1));
      assert.ok(start.position !== undefined);
      await client.appendToStream(newStream(), numbered(context, 250));
      const checkpoints: bigint[] = [];
      const filter = library.eventTypeFilter({
        prefixes: [type],
        maxSearchWindow: 10,
        checkpointInterval: 5,
        checkpointReached: (_, { commit }) => void checkpoints.push(commit),
      });
      const stream = newStream();
      await client.appendToStream(stream, numbered(context, 1, type));
      await using following = follow(client.subscribeToAll({ fromPosition: start.position, filter }));
      assert.deepEqual(streams(await following.take(1)), [stream]);
      assert.ok(checkpoints.length >= 4, `${checkpoints.length} checkpoints`);
      assert.deepEqual(
        checkpoints,
        [...new Set(checkpoints)].toSorted((a, b) => (a < b ? -1 : 1)),
      );
      const [last = 0n] = checkpoints;
      const fromPosition = { commit: last, prepare: last };
      await using again = follow(
        client.subscribeToAll({ fromPosition, filter: library.eventTypeFilter({ prefixes: [type] }) }),
      );
      assert.deepEqual(streams(await again.take(1)), [stream]);
    },
  },
  {
    name: 'a subscription to $all from the end gives what is appended, in order',
    run: async (context) => {
      const { client, library } = context;
      const mark = `Mark${crypto.randomUUID().slice(0, 8)}`;
      const filter = library.streamNameFilter({ prefixes: [mark] });
      const subscription = client.subscribeToAll({ fromPosition: 'end', filter });
      await using following = follow(subscription);
      const caughtUp = once(subscription, 'caughtUp', { signal: AbortSignal.timeout(patienceMs) });
      const begun = following.take(4);
      await caughtUp;
      const names = [`${mark}-1`, `${mark}-2`, `${mark}-1`, `${mark}-3`];
      for (const name of names) await client.appendToStream(name, numbered(context, 1));
      assert.deepEqual(streams(await begun), names);
    },
  },
  {
    name: 'a tombstone ends a subscription to its stream, after it was given',
    run: async (context) => {
      const { client } = context;
      const stream = newStream();
      await client.appendToStream(stream, numbered(context, 1));
      await using following = follow(client.subscribeToStream(stream));
      assert.deepEqual(revisions(await following.take(1)), [0n]);
      await client.tombstoneStream(stream);
      const [last] = await following.take(1);
      assert.equal(last?.event?.type, '$streamDeleted');
      await refused('stream-deleted', () => following.take(1));
    },
  },
  {
    name: 'a subscription that is left stops, and the client goes on',
    run: async (context) => {
      const { client } = context;
      const stream = newStream();
      for (let round = 0; round < 20; round += 1) {
        await client.appendToStream(stream, numbered(context, 1));
        await using following = follow(client.subscribeToStream(stream));
        await following.take(round + 1);
      }
      assert.equal((await all(client.readStream(stream))).length, 20);
    },
  },
];

type Given = ResolvedEvent | AllStreamResolvedEvent;

/** A subscription from which events are taken, and that is left at the end. */
interface Following extends AsyncDisposable {
  take(count: number): Promise<readonly Given[]>;
}

function follow(subscription: AsyncIterable<Given> & { unsubscribe(): Promise<void> }): Following {
  const iterator = subscription[Symbol.asyncIterator]();
  return {
    async take(count) {
      const events: Given[] = [];
      while (events.length < count) {
        const { value, done } = await bounded(iterator.next());
        assert.ok(done !== true, 'the subscription ended');
        events.push(value);
      }
      return events;
    },
    async [Symbol.asyncDispose]() {
      await subscription.unsubscribe();
    },
  };
}

async function bounded<Value>(promise: Promise<Value>): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`nothing came within ${patienceMs} ms`)), patienceMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function revisions(events: readonly Given[]): unknown {
  return events.map(({ event }) => event?.revision);
}

function linkRevisions(events: readonly Given[]): unknown {
  return events.map(({ link }) => link?.revision);
}

function streams(events: readonly Given[]): unknown {
  return events.map(({ event }) => event?.streamId);
}
