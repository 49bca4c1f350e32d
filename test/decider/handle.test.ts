import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';

import { jsonEvent, type EventStore } from 'daybook';
import {
  command,
  events,
  handle,
  load,
  memoryStateCache,
  nothing,
  refuse,
  streamOf,
  trusted,
  view,
  type DomainEvent,
  type HandleOptions,
} from 'daybook/decider';
import { openMemoryStore } from 'daybook/memory';
import * as fc from 'fast-check';
import { z } from 'zod';

import { Order, recordEmail, shipmentStatus } from './support/order.ts';
import { openedStore, storeKinds } from './support/stores.ts';

const shipped = Order.OrderShipped({ carrier: 'fedex', tracking_number: 'abc123', shipped_on: '2016-08-08' });

const Account = events('Account', {
  MoneyPaidIn: trusted<{ amount: number }>(),
  BonusGranted: trusted<{ amount: number }>(),
  NothingNoted: trusted<object>(),
});
const balance = view(Account, {
  name: 'Balance',
  initial: () => ({ sum: 0 }),
  evolve: {
    MoneyPaidIn: ({ sum }, { data }) => ({ sum: sum + data.amount }),
    BonusGranted: ({ sum }, { data }) => ({ sum: sum + data.amount }),
  },
});
const payIn = command(
  balance,
  z.object({ amount: z.number() }),
  ({ amount }, { sum }) => {
    if (amount < 0) return refuse('negative', { sum });
    if (amount === 0) return nothing;
    const paid = Account.MoneyPaidIn({ amount });
    return amount >= 100 ? [paid, Account.BonusGranted({ amount: 1 }), Account.NothingNoted({})] : [paid];
  },
  { name: 'PayIn' },
);

async function append(store: EventStore, id: string, ...given: readonly DomainEvent[]): Promise<void> {
  await store.append(streamOf(Order, id), given.map(jsonEvent), { expected: 'any' });
}

const stored = (store: EventStore, id = 'a') => Array.fromAsync(store.readStream(streamOf(Account, id)));
const sum = async (store: EventStore): Promise<number> => (await load(store, balance, 'a')).state.sum;

for (const kind of storeKinds) {
  describe(`a command on ${kind}`, () => {
    it('A-E14: appends what it decides, at the end of its stream', async () => {
      await using opened = await openedStore(kind);
      const { store } = opened;
      await append(store, '123456789', shipped);
      const commandId = randomUUID();
      const result = await handle(store, recordEmail, '123456789', { to: 'awesome.user@jet.com' }, { commandId });
      const data = { customer_email: 'awesome.user@jet.com', subject: 'Your order shipped!' };
      assert.deepEqual(result, {
        outcome: 'appended',
        stream: 'CustomerOrder-123456789',
        firstRevision: 1n,
        revision: 1n,
        position: result.position,
        events: [{ id: commandId, revision: 1n, type: 'ShipmentEmailSent', data }],
      });
      const { state, revision, position } = await load(store, shipmentStatus, '123456789');
      assert.deepEqual([state.isEmailSent, revision, position], [true, 1n, result.position]);
    });

    it('A-I6, A-I8, A-I9: delivered again gives the first result, with all its events, wherever the stream is by now', async () => {
      await using opened = await openedStore(kind);
      const { store } = opened;
      const first = { commandId: randomUUID().toUpperCase() };
      const result = await handle(store, payIn, 'a', { amount: 100 }, first);
      assert.equal(result.outcome, 'appended');
      assert.equal(new Set(result.events.map(({ id }) => id)).size, 3);
      assert.equal(result.events[0]?.id, first.commandId.toLowerCase());
      for (const amount of [1, 2]) await handle(store, payIn, 'a', { amount }, { commandId: randomUUID() });
      const again = await handle(store, payIn, 'a', { amount: 100 }, { commandId: first.commandId.toLowerCase() });
      assert.deepEqual(again, { ...result, outcome: 'repeated' });
      assert.equal((await stored(store)).length, 5);
    });

    it('A-I1, A-I8, B9: delivered 100 times at once is done once, with 100 equal answers', async () => {
      await using opened = await openedStore(kind);
      const { store } = opened;
      await handle(store, payIn, 'a', { amount: 5 }, { commandId: randomUUID() });
      const options = { commandId: randomUUID() };
      const results = await Promise.all(
        Array.from({ length: 100 }, () => handle(store, payIn, 'a', { amount: 100 }, options)),
      );
      const outcomes = results.map(({ outcome }) => outcome);
      assert.deepEqual(outcomes.toSorted(), ['appended', ...Array.from({ length: 99 }, () => 'repeated')]);
      const [first] = results;
      for (const result of results) assert.deepEqual({ ...result, outcome: 'any' }, { ...first, outcome: 'any' });
      assert.deepEqual(
        (await stored(store)).map(({ type }) => type),
        ['MoneyPaidIn', 'MoneyPaidIn', 'BonusGranted', 'NothingNoted'],
      );
    });

    it('A-I5: does not lose an update, whoever else decides at the same time', async () => {
      await using opened = await openedStore(kind);
      const { store } = opened;
      const amounts = Array.from({ length: 40 }, (_, index) => index + 1);
      const results = await Promise.all(
        amounts.map((amount) => handle(store, payIn, 'a', { amount }, { commandId: randomUUID() })),
      );
      assert.ok(results.every(({ outcome }) => outcome === 'appended'));
      assert.equal(await sum(store), 820);
    });

    it('A-I5, A-I8: does so from several processes at once, and each command is done once', async () => {
      await using opened = await openedStore(kind);
      const stores = [opened.store, await opened.another(), await opened.another()];
      const commands = Array.from({ length: 12 }, (_, index) => ({ amount: index + 1, commandId: randomUUID() }));
      const results = await Promise.all(
        stores.flatMap((store) =>
          commands.map(({ amount, commandId }) => handle(store, payIn, 'a', { amount }, { commandId })),
        ),
      );
      assert.equal(results.filter(({ outcome }) => outcome === 'appended').length, 12);
      assert.equal(results.filter(({ outcome }) => outcome === 'repeated').length, 24);
      assert.equal(await sum(opened.store), 78);
    });

    it('A-I10, A-I11, B9: a queue of commands replayed changes nothing, by id, or with new ids by business key', async () => {
      await using opened = await openedStore(kind);
      const { store } = opened;
      const queue = Array.from({ length: 30 }, (_, index) => ({
        commandId: randomUUID(),
        account: `a${index % 4}`,
        amount: index + 80,
        key: `payment ${index}`,
      }));
      type Delivery = (typeof queue)[number];
      const deliver = ({ account, amount, commandId, key }: Delivery) =>
        handle(store, payIn, account, { amount }, { commandId, businessKey: key });
      const results = [];
      for (const each of queue) results.push(await deliver(each));
      const end = (await store.head()).position;
      const again = [];
      for (const each of queue) again.push(await deliver(each));
      const made = [];
      for (const each of queue) made.push(await deliver({ ...each, commandId: randomUUID(), amount: each.amount + 1 }));
      const expected = results.map((result) => ({ ...result, outcome: 'repeated' }));
      assert.deepEqual(again, expected);
      assert.deepEqual(made, expected);
      assert.equal((await store.head()).position, end);
    });

    it('B9: with an id that another command had is refused, and changes nothing', async () => {
      await using opened = await openedStore(kind);
      const { store } = opened;
      const options = { commandId: randomUUID() };
      await handle(store, payIn, 'a', { amount: 100 }, options);
      const expected = { code: 'command-id-reused', commandId: options.commandId, stream: 'Account-a', revision: 0n };
      await assert.rejects(handle(store, payIn, 'a', { amount: 101 }, options), expected);
      await handle(store, payIn, 'a', { amount: 1 }, { commandId: randomUUID() });
      await assert.rejects(handle(store, payIn, 'a', { amount: 1 }, options), expected);
      assert.equal(await sum(store), 102);
    });

    it('of several with one id and different inputs at once, one is done and the others are refused', async () => {
      await using opened = await openedStore(kind);
      const { store } = opened;
      const options = { commandId: randomUUID() };
      const settled = await Promise.allSettled(
        [1, 2, 100, 101, 5].map((amount) => handle(store, payIn, 'a', { amount }, options)),
      );
      const done = settled.filter(({ status }) => status === 'fulfilled');
      assert.equal(done.length, 1);
      for (const each of settled) {
        if (each.status === 'rejected') assert.equal(Reflect.get(each.reason as Error, 'code'), 'command-id-reused');
      }
    });

    it('goes on where everything in the stream is hidden, or the stream is deleted', async () => {
      await using opened = await openedStore(kind);
      const { store } = opened;
      await handle(store, payIn, 'a', { amount: 5 }, { commandId: randomUUID() });
      await store.deleteStream(streamOf(Account, 'a'), { expected: 'any' });
      const result = await handle(store, payIn, 'a', { amount: 7 }, { commandId: randomUUID() });
      assert.deepEqual([result.outcome, result.revision, await sum(store)], ['appended', 1n, 7]);
    });
  });
}

describe('a command', () => {
  it('A-I12, A-I13: is skipped when the state shows its effect: no second mail, whatever id asks for it', async () => {
    await using store = openMemoryStore();
    await append(store, '1', shipped);
    const to = 'a@b.c';
    const mailed = await handle(store, recordEmail, '1', { to }, { commandId: randomUUID() });
    const again = await handle(store, recordEmail, '1', { to }, { commandId: randomUUID() });
    assert.deepEqual(again, {
      outcome: 'unchanged',
      stream: 'CustomerOrder-1',
      revision: 1n,
      position: mailed.position,
    });
  });

  it('that is refused says why, and leaves no trace', async () => {
    await using store = openMemoryStore();
    const refused = await handle(store, recordEmail, '1', { to: 'a@b.c' }, { commandId: randomUUID() });
    assert.deepEqual(refused, {
      outcome: 'refused',
      stream: 'CustomerOrder-1',
      revision: undefined,
      position: undefined,
      code: 'not-shipped',
      facts: undefined,
    });
    const withFacts = await handle(store, payIn, 'a', { amount: -1 }, { commandId: randomUUID() });
    assert.deepEqual(withFacts.outcome === 'refused' && withFacts.facts, { sum: 0 });
    assert.equal((await store.head()).position, undefined);
  });

  it('that was refused or had nothing to do is decided again when it is delivered again', async () => {
    await using store = openMemoryStore();
    const options = { commandId: randomUUID() };
    assert.equal((await handle(store, recordEmail, '1', { to: 'a@b.c' }, options)).outcome, 'refused');
    await append(store, '1', shipped);
    assert.equal((await handle(store, recordEmail, '1', { to: 'a@b.c' }, options)).outcome, 'appended');
    assert.equal((await handle(store, payIn, 'a', { amount: 0 }, options)).outcome, 'unchanged');
  });

  it('gives no events and nothing for the same thing', async () => {
    await using store = openMemoryStore();
    const idle = command(balance, trusted<object>(), () => []);
    assert.equal((await handle(store, idle, 'a', {}, { commandId: randomUUID() })).outcome, 'unchanged');
  });

  it('is done once, however often and in whatever order it is delivered, with or without a cache', async () => {
    const delivery = fc.record({
      which: fc.nat({ max: 5 }),
      cached: fc.constantFrom('none' as const, 'exact' as const, 'stale' as const),
      isKeyed: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(delivery, { maxLength: 30 }), async (deliveries) => {
        await using store = openMemoryStore();
        const cache = memoryStateCache();
        const ids = Array.from({ length: 6 }, () => randomUUID());
        const done = new Map<string, unknown>();
        for (const { which, cached, isKeyed } of deliveries) {
          const options: HandleOptions = {
            commandId: isKeyed ? randomUUID() : (ids[which] ?? ''),
            ...(isKeyed && { businessKey: `key ${which}` }),
            ...(cached !== 'none' && { cache, maxAgeMs: cached === 'stale' ? 60_000 : 0 }),
          };
          const result = await handle(store, payIn, 'a', { amount: which * 40 }, options);
          const name = `${which} ${isKeyed}`;
          const first = done.get(name);
          if (which === 0) assert.equal(result.outcome, 'unchanged');
          else if (first === undefined) assert.equal(result.outcome, 'appended');
          else assert.deepEqual(result, { ...first, outcome: 'repeated' });
          if (result.outcome === 'appended') done.set(name, result);
        }
        const types = (await stored(store)).filter(({ type }) => type === 'MoneyPaidIn');
        assert.equal(types.length, done.size);
      }),
      { numRuns: 150 },
    );
  });
});
