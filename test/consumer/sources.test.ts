import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { categoryStream, eventTypeStream, jsonEvent, streamName, type EventStore } from 'daybook';
import { consumer, followSources, readCheckpoint } from 'daybook/consumer';
import { from, lastValueFrom, merge, take, toArray } from 'rxjs';

import { placed, placeOf, World } from './support/world.ts';

const carts = categoryStream('Cart');
const paid = eventTypeStream('Paid');

/** Appends to one of three streams, as a seed says. */
async function shop(store: EventStore, world: World, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    const [stream, type] = (
      [
        ['Cart-1', 'ItemAdded'],
        ['Payment-1', 'Paid'],
        ['Cart-2', 'Paid'],
      ] as const
    )[Math.floor(world.clock.random() * 3)] ?? ['Cart-1', 'ItemAdded'];
    await store.append(streamName(stream), [jsonEvent({ type, data: i })], { expected: 'any' });
  }
}

/** A store whose subscriptions each wait for a while of their own before they give a page. */
function unevenly(world: World, store: EventStore): EventStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (name !== 'subscribeToStream') return member.bind(target);
      return (...words: Parameters<EventStore['subscribeToStream']>) => {
        const subscription = target.subscribeToStream(...words);
        if (String(words[0]).startsWith('$control')) return subscription;
        return {
          async *pages() {
            for await (const page of subscription.pages()) {
              await world.clock.sleep(world.clock.random() * 1_000);
              yield page;
            }
          },
        };
      };
    },
  });
}

describe('several sources of one consumer', () => {
  it('A-C12: A-V9: are merged in the order of the log, each event once, whatever arrives first', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      await using world = new World(seed);
      const handled: bigint[] = [];
      await shop(world.memory, world, 30);
      const both = consumer('Both', {
        from: [carts, paid],
        startAt: 'beginning',
        handle: ({ position }) => void handled.push(position),
      });
      const { store } = world;
      const uneven = new World(seed);
      Object.defineProperty(uneven, 'store', { value: unevenly(world, store) });
      Object.defineProperty(uneven, 'clock', { value: world.clock });
      const run = await uneven.run(both);
      for (let i = 0; i < 10; i += 1) {
        await shop(world.memory, world, 3);
        await world.clock.advance(500);
      }
      await world.clock.until(() => run.state === 'live' && handled.length === 60);
      assert.deepEqual(
        handled,
        handled.toSorted((a, b) => Number(a - b)),
        `seed ${seed}`,
      );
      assert.equal(new Set(handled).size, 60);
      await world.clock.advance(1_000);
      for (const source of [carts, paid]) {
        const { revision } = await world.memory.streamState(source);
        assert.equal((await readCheckpoint(world.memory, { source, consumer: 'Both' }))?.pos, revision);
      }
      await uneven[Symbol.asyncDispose]();
    }
  });

  it('A-C12: a merge can be followed by itself, and leaving it releases its subscriptions', async () => {
    await using world = new World();
    await shop(world.memory, world, 10);
    const places: string[] = [];
    const sources = [carts, paid].map((stream) => ({ stream, after: -1n }));
    for await (const message of followSources(world.memory, sources, { signal: new AbortController().signal })) {
      if (message.kind === 'caught-up') break;
      places.push(...message.events.map(({ event }) => placeOf(event)));
    }
    assert.equal(places.length, 10);
    await world.clock.settle();
    assert.equal(world.memory.subscribers, 0);
  });
});

describe('A-C12: a subscription and RxJS', () => {
  it('A-C12: from() takes a subscription as it is, and taking enough ends it', async () => {
    await using world = new World();
    await world.place('a', 'b', 'c');
    const events = from(world.memory.subscribeToStream(placed)).pipe(take(2), toArray());
    const messages = await lastValueFrom(events);
    assert.deepEqual(
      messages.map((message) => message.kind === 'event' && placeOf(message.event)),
      ['0@Customer-a', '0@Customer-b'],
    );
    await world.clock.settle();
    assert.equal(world.memory.subscribers, 0);
  });

  it('A-C12: merge() takes several', async () => {
    await using world = new World();
    await shop(world.memory, world, 10);
    const both = merge(from(world.memory.subscribeToStream(carts)), from(world.memory.subscribeToStream(paid)));
    const messages = await lastValueFrom(both.pipe(take(10), toArray()));
    assert.equal(messages.length, 10);
    await world.clock.settle();
    assert.equal(world.memory.subscribers, 0);
  });
});
