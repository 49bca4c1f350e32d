import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';

import { correlationStream, idOf, jsonMetadata, type EventStore } from 'daybook';
import { consumer, runConsumer, setCheckpoint, type Consumer } from 'daybook/consumer';
import {
  category,
  command,
  commandIdFrom,
  events,
  eventType,
  handle,
  load,
  memoryStateCache,
  refuse,
  streamOf,
  trusted,
  view,
  type StateCache,
} from 'daybook/decider';
import { openMemoryStore } from 'daybook/memory';

import { countingStore } from './support/counting-store.ts';
import { Order, recordEmail, shipmentStatus } from './support/order.ts';

const patience = { timeoutMs: 20_000 };

const ship = command(shipmentStatus, trusted<{ carrier: string }>(), ({ carrier }, { isShipped }) =>
  isShipped
    ? refuse('already-shipped')
    : [Order.OrderShipped({ carrier, tracking_number: 'abc123', shipped_on: '2016-08-08' })],
);

/** Records the mail of each shipment. Its commands have ids that each delivery of an event gives again. */
function emailOnOrderShipped(store: EventStore, outcomes: string[]): Consumer {
  return consumer('EmailOnOrderShipped', {
    from: eventType(Order, 'OrderShipped'),
    startAt: 'beginning',
    handle: async (event, { key }) => {
      const commandId = commandIdFrom(key);
      const result = await handle(
        store,
        recordEmail,
        idOf(event.stream) ?? '',
        { to: event.data.carrier },
        { commandId },
      );
      outcomes.push(result.outcome);
    },
  });
}

/** Keeps a cache of shipment states as young as the log. */
function keepShipments(store: EventStore, cache: StateCache): Consumer {
  return consumer('KeepShipments', {
    from: category(Order),
    startAt: 'beginning',
    handle: async (event) => {
      await load(store, shipmentStatus, idOf(event.stream) ?? '', { cache });
    },
  });
}

type Answer = { readonly amount: string } & ({ readonly authorization: string } | { readonly reason: string });

const authorize = async (amount: string): Promise<Answer> => {
  await Promise.resolve(); // The bank takes its time.
  return Number(amount) > 100 ? { amount, reason: 'limit' } : { amount, authorization: 'A-1' };
};

describe('services made of commands and consumers', () => {
  it('A-I14, A-I13: that follow from too far back append only what is new: no second mail', async () => {
    await using store = openMemoryStore();
    const outcomes: string[] = [];
    await using run = await runConsumer(store, emailOnOrderShipped(store, outcomes));
    const shipAll = async (...ids: readonly string[]): Promise<void> => {
      for (const id of ids) {
        const { position } = await handle(store, ship, id, { carrier: 'fedex' }, { commandId: randomUUID() });
        assert.ok(position);
        await run.reached(position, patience);
      }
    };
    await shipAll('1', '2');
    assert.deepEqual(outcomes, ['appended', 'appended']);
    const place = { source: eventType(Order, 'OrderShipped').stream, consumer: 'EmailOnOrderShipped' };
    await setCheckpoint(store, place, { to: 'start', who: 'ann', why: 'a test' });
    await shipAll('3');
    assert.deepEqual(outcomes, ['appended', 'appended', 'repeated', 'repeated', 'appended']);
    const mails = await Array.fromAsync(store.readStream(eventType(Order, 'ShipmentEmailSent').stream));
    assert.equal(mails.length, 3);
  });

  it('A-K11: make a chain that names each cause, from the first command to the last event', async () => {
    await using store = openMemoryStore();
    const commandId = randomUUID();
    await using run = await runConsumer(store, emailOnOrderShipped(store, []));
    const shipped = await handle(store, ship, '1', { carrier: 'fedex' }, { commandId });
    assert.ok(shipped.outcome === 'appended');
    await run.reached(shipped.position, patience);
    const chain = await Array.fromAsync(store.readStream(correlationStream(commandId)));
    assert.deepEqual(
      chain.map((event) => {
        const { $causationId } = jsonMetadata(event) as { $causationId: string };
        return [event.type, $causationId];
      }),
      [
        ['OrderShipped', commandId],
        ['ShipmentEmailSent', shipped.events[0]?.id],
      ],
    );
  });

  it('A-V3: can keep a cache warm, with a checkpoint of their own, so that readers ask no store', async () => {
    await using memory = openMemoryStore();
    const { store, counted } = countingStore(memory);
    const cache = memoryStateCache();
    await using run = await runConsumer(memory, keepShipments(memory, cache));
    for (const id of ['1', '2', '3']) {
      const { position } = await handle(memory, ship, id, { carrier: 'fedex' }, { commandId: randomUUID() });
      assert.ok(position);
      await run.reached(position, patience);
    }
    for (const id of ['1', '2', '3']) {
      const kept = await load(store, shipmentStatus, id, { cache, maxAgeMs: 3_600_000 });
      assert.deepEqual([kept.state.isShipped, kept.revision], [true, 0n]);
    }
    assert.equal(counted().reads, 0);
  });

  it('A-V12: do a step that takes its time before, and its result is the event', async () => {
    await using store = openMemoryStore();
    const Payment = events('Payment', {
      PaymentAuthorized: trusted<{ amount: string; authorization: string }>(),
      PaymentDeclined: trusted<{ amount: string; reason: string }>(),
    });
    const payment = view(Payment, {
      initial: () => ({ isDecided: false }),
      evolve: { PaymentAuthorized: () => ({ isDecided: true }), PaymentDeclined: () => ({ isDecided: true }) },
    });
    const recordAnswer = command(payment, trusted<Answer>(), (answer, { isDecided }) => {
      if (isDecided) return [];
      return 'reason' in answer ? [Payment.PaymentDeclined(answer)] : [Payment.PaymentAuthorized(answer)];
    });
    for (const [id, amount] of [
      ['1', '99.00'],
      ['2', '101.00'],
    ] as const) {
      const commandId = commandIdFrom(`payment ${id}`);
      const { outcome } = await handle(store, recordAnswer, id, await authorize(amount), { commandId });
      assert.equal(outcome, 'appended');
      const [event] = await Array.fromAsync(store.readStream(streamOf(Payment, id)));
      assert.equal(event?.type, id === '1' ? 'PaymentAuthorized' : 'PaymentDeclined');
    }
  });

  it('A-V10: show who has just acted what came of it, at once: they read the stream itself', async () => {
    await using store = openMemoryStore();
    const Cart = events('Cart', { ItemAdded: trusted<{ sku: string }>() });
    const cart = view(Cart, {
      initial: () => new Array<string>(),
      evolve: { ItemAdded: (skus, { data }) => [...skus, data.sku] },
    });
    const addItem = command(cart, trusted<{ sku: string }>(), (input) => [Cart.ItemAdded(input)]);
    for (const sku of ['a', 'b', 'c']) {
      const { revision } = await handle(store, addItem, '1', { sku }, { commandId: randomUUID() });
      const page = await load(store, cart, '1');
      assert.deepEqual([page.state.at(-1), page.revision], [sku, revision]);
    }
  });
});
