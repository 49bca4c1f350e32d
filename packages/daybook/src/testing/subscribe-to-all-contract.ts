import assert from 'node:assert/strict';

import type { EventStore } from '../store/event-store.ts';
import type { SubscriptionMessage } from '../store/options.ts';
import type { Position } from '../store/position.ts';
import { tombstoneType } from '../store/stream-metadata.ts';
import type { ContractSuite } from './contract-case.ts';
import {
  endOf,
  follow,
  idsOf,
  newCategory,
  newStream,
  numbered,
  one,
  refused,
  type Following,
} from './contract-tools.ts';

/** Subscriptions to `$all`, with and without a filter, and their checkpoints. */
export const subscribeToAllContract: ContractSuite = {
  name: 'subscribe to the log',
  cases: [
    {
      name: 'a subscription begins after a position and goes on with what is appended to any stream',
      run: async ({ store }) => {
        const category = newCategory();
        const { position: after } = await store.append(newStream(category), numbered(2), { expected: 'any' });
        const [before, live] = [numbered(4), numbered(4)];
        for (const event of before) await store.append(newStream(category), [event], { expected: 'any' });
        await using following = follow(store.subscribeToAll({ after }));
        assert.deepEqual(await idsOfCategory(following, category, 4), idsOf(before));
        await following.until('caught-up');
        for (const event of live) await store.append(newStream(category), [event], { expected: 'any' });
        assert.deepEqual(await idsOfCategory(following, category, 4), idsOf(live));
      },
    },
    {
      name: 'a subscription from the start begins with the first event of the log',
      run: async ({ store }) => {
        await store.append(newStream(), numbered(1), { expected: 'any' });
        await using following = follow(store.subscribeToAll());
        const first = await following.event();
        for await (const event of store.readAll({ limit: 1 })) assert.deepEqual(first, event);
      },
    },
    {
      name: 'a subscription after the end gives only what is new',
      run: async ({ store }) => {
        const category = newCategory();
        await store.append(newStream(category), numbered(2), { expected: 'any' });
        const end = await endOf(store);
        await using following = follow(store.subscribeToAll({ after: 'end' }));
        const caughtUp = await following.next();
        assert.ok(caughtUp.kind === 'caught-up' && caughtUp.position >= end);
        assert.equal(caughtUp.revision, undefined);
        const [event] = numbered(1);
        await store.append(newStream(category), [event!], { expected: 'any' });
        assert.deepEqual(await idsOfCategory(following, category, 1), [event!.id]);
      },
    },
    {
      name: 'every event comes once and in order while the log grows under the subscription',
      run: async ({ store }) => {
        const category = newCategory();
        const after = await endOf(store);
        const events = numbered(3_000);
        const appendRange = async (from: number, to: number): Promise<void> => {
          for (let i = from; i < to; i += 25) {
            await store.append(newStream(category), events.slice(i, i + 25), { expected: 'any' });
          }
        };
        await appendRange(0, 1_000);
        await using following = follow(store.subscribeToAll({ after }));
        const appending = appendRange(1_000, 3_000);
        assert.deepEqual(await idsOfCategory(following, category, 3_000), idsOf(events));
        await appending;
      },
    },
    {
      name: 'a slow subscriber misses nothing, and events never come out of order',
      run: async ({ store }) => {
        const category = newCategory();
        await using following = follow(store.subscribeToAll({ after: 'end' }));
        await following.until('caught-up');
        const events = numbered(25_000);
        for (let i = 0; i < events.length; i += 5_000) {
          await store.append(newStream(category), events.slice(i, i + 5_000), { expected: 'any' });
        }
        let last = 0n;
        const found: string[] = [];
        while (found.length < events.length) {
          const event = await following.event();
          assert.ok(event.position > last);
          last = event.position;
          if (event.stream.startsWith(category)) found.push(event.id);
        }
        assert.deepEqual(found, idsOf(events));
      },
    },
    {
      name: 'a tombstone is an event like any other, before and after the subscription has caught up',
      run: async ({ store }) => {
        const category = newCategory();
        const after = await endOf(store);
        await store.tombstoneStream(newStream(category), { expected: 'any' });
        const [event] = numbered(1);
        await using following = follow(store.subscribeToAll({ after, filter: { streamPrefixes: [category] } }));
        assert.equal((await following.event()).type, tombstoneType);
        await following.until('caught-up');
        await store.tombstoneStream(newStream(category), { expected: 'any' });
        assert.equal((await following.event()).type, tombstoneType);
        await store.append(newStream(category), [event!], { expected: 'any' });
        assert.equal((await following.event()).id, event!.id);
      },
    },
    {
      name: 'with a filter, checkpoints come while history is read: at least every so many events looked at',
      run: async ({ store }) => {
        const category = newCategory();
        const after = await endOf(store);
        await appendRounds(store, category, 20);
        const subscription = store.subscribeToAll({
          after,
          filter: { streamPrefixes: [category] },
          checkpointEvery: 10,
        });
        await using following = follow(subscription);
        const messages = await following.until('caught-up');
        assert.ok(messages.filter(({ kind }) => kind === 'checkpoint').length >= 10, 'too few checkpoints');
        checkOrder(messages, after);
      },
    },
    {
      name: 'with a filter, a checkpoint comes on going live when the position has moved, and only then',
      run: async ({ store }) => {
        const after = await endOf(store);
        const { position } = await store.append(newStream(), numbered(3), { expected: 'any' });
        const filter = { streamPrefixes: [newCategory()] };
        await using following = follow(store.subscribeToAll({ after, filter }));
        const messages = await following.until('caught-up');
        const checkpoint = messages.at(-2);
        assert.ok(checkpoint?.kind === 'checkpoint' && checkpoint.position >= position);
        await using late = follow(store.subscribeToAll({ after: checkpoint.position, filter }));
        const [first] = await late.until('caught-up');
        const end = await endOf(store);
        assert.ok(first?.kind === 'caught-up' || (first?.kind === 'checkpoint' && end > checkpoint.position));
      },
    },
    {
      name: 'with a filter, checkpoints come while nothing that is appended matches',
      run: async ({ store }) => {
        const filter = { streamPrefixes: [newCategory()] };
        await using following = follow(store.subscribeToAll({ after: 'end', filter, checkpointEvery: 10 }));
        await following.until('caught-up');
        const end = await endOf(store);
        for (let i = 0; i < 5; i += 1) await store.append(newStream(), numbered(10), { expected: 'any' });
        const messages: SubscriptionMessage[] = [];
        while (messages.length < 5) messages.push(...(await following.until('checkpoint')));
        checkOrder(messages, end);
      },
    },
    {
      name: 'who goes on after a checkpoint misses nothing that matches',
      run: async ({ store }) => {
        const category = newCategory();
        const after = await endOf(store);
        const expected = await appendRounds(store, category, 10);
        const filter = { streamPrefixes: [category] };
        const found: string[] = [];
        let reached = after;
        for (let turns = 0; found.length < expected.length; turns += 1) {
          assert.ok(turns < 1_000, 'it gets nowhere');
          await using following = follow(store.subscribeToAll({ after: reached, filter, checkpointEvery: 7 }));
          // Everything up to a checkpoint was given, so what came with it counts.
          const messages = await following.until('checkpoint');
          found.push(...messages.flatMap((message) => (message.kind === 'event' ? [message.event.id] : [])));
          const checkpoint = messages.at(-1);
          assert.ok(checkpoint?.kind === 'checkpoint' && checkpoint.position > reached);
          reached = checkpoint.position;
        }
        assert.deepEqual(found, expected);
      },
    },
    {
      name: 'A-P3: who goes on after a checkpoint misses no event of a type in a category',
      needs: ['category-filter'],
      run: async ({ store }) => {
        const category = newCategory();
        const after = await endOf(store);
        const expected: string[] = [];
        for (let i = 0; i < 30; i += 1) {
          const event = one('Wanted');
          // Events that only one of the fields lets through stand before and behind it.
          await store.append(newStream(), [one('Wanted')], { expected: 'any' });
          await store.append(newStream(category), [one('Other'), event, one('Other')], { expected: 'any' });
          expected.push(event.id);
        }
        const filter = { categories: [category], eventTypes: ['Wanted'] };
        const found: string[] = [];
        let reached = after;
        for (let turns = 0; found.length < expected.length; turns += 1) {
          assert.ok(turns < 1_000, 'it gets nowhere');
          await using following = follow(store.subscribeToAll({ after: reached, filter, checkpointEvery: 7 }));
          const messages = await following.until('checkpoint');
          found.push(...messages.flatMap((message) => (message.kind === 'event' ? [message.event.id] : [])));
          reached = (messages.at(-1) as { position: Position }).position; // The checkpoint that was waited for.
        }
        assert.deepEqual(found, expected);
      },
    },
    {
      name: 'a filter that throws does not disturb who appends',
      run: async ({ store }) => {
        const category = newCategory();
        const filter = {
          streamMatches: {
            source: category,
            test: (text: string): boolean => {
              if (text.startsWith(category)) throw new RangeError('too much');
              return false;
            },
          },
        };
        await using following = follow(store.subscribeToAll({ after: 'end', filter }));
        await following.until('caught-up');
        const stream = newStream(category);
        await store.append(stream, numbered(2), { expected: 'no-stream' });
        assert.equal((await store.streamState(stream)).revision, 1n);
      },
    },
    {
      name: 'a checkpoint after less than one event means nothing',
      run: async ({ store }) => {
        for (const checkpointEvery of [0, -1, 0.5]) {
          await refused('invalid-option', async () => {
            const filter = { eventTypes: ['Any'] };
            await using following = follow(store.subscribeToAll({ after: 'end', filter, checkpointEvery }));
            await following.next();
          });
        }
      },
    },
  ],
};

/** Appends to a category and to others in turns, ten events a turn. Gives the ids of those in the category. */
async function appendRounds(store: EventStore, category: string, turns: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < turns; i += 1) {
    const [event, ...others] = numbered(10);
    await store.append(newStream(), others, { expected: 'any' });
    await store.append(newStream(category), [event!], { expected: 'any' });
    ids.push(event!.id);
  }
  return ids;
}

/** The ids of the next events of a category; a log that others use too has events of theirs in between. */
async function idsOfCategory(following: Following, category: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const { stream, id } = await following.event();
    if (stream.startsWith(category)) ids.push(id);
  }
  return ids;
}

/** Positions never go back, and no checkpoint is given twice. */
function checkOrder(messages: readonly SubscriptionMessage[], after: Position): void {
  let reached = after;
  let checkpoint = after;
  for (const message of messages) {
    const position = message.kind === 'event' ? message.event.position : message.position;
    assert.ok(position >= reached, 'it went back');
    reached = position;
    if (message.kind !== 'checkpoint') continue;
    assert.ok(position > checkpoint, 'a checkpoint came twice');
    checkpoint = position;
  }
}
