/**
 * What must not compile. Each `@ts-expect-error` is a test of the type checker: where the error is gone, the comment is
 * one. Nothing of it runs.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { EventStore } from 'daybook';
import {
  category,
  combineViews,
  command,
  events,
  eventType,
  fold,
  handle,
  load,
  nothing,
  refuse,
  view,
  type StateOf,
} from 'daybook/decider';
import { given } from 'daybook/testing';
import { z } from 'zod';

const Order = events('Order', {
  OrderShipped: z.object({ carrier: z.string(), at: z.string().transform((text) => new Date(text)) }),
  OrderCancelled: z.object({ reason: z.string() }),
});
const Payment = events('Payment', { PaymentMade: z.object({ amount: z.number() }) });

const status = view(Order, {
  initial: (id) => ({ id, carrier: undefined as string | undefined }),
  evolve: { OrderShipped: (state, event) => ({ ...state, carrier: event.data.carrier }) },
});
const total = view(Payment, { initial: () => 0, evolve: { PaymentMade: (sum, { data }) => sum + data.amount } });

const cancel = command(status, z.object({ reason: z.string(), times: z.coerce.number() }), (input, state) => {
  if (state.carrier !== undefined) return refuse('already-shipped', { carrier: state.carrier });
  if (input.times === 0) return nothing;
  return [Order.OrderCancelled({ reason: input.reason })];
});

/** The same type, and no other. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- The way to compare two types.
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function same<A, B>(..._isSame: Same<A, B> extends true ? [] : [never]): void {}

const uncompiled: readonly ((store: EventStore) => unknown)[] = [
  // Events.
  // @ts-expect-error -- No such event.
  () => Order.OrderShippped({ carrier: 'fedex', at: '2026' }),
  // @ts-expect-error -- A part is missing.
  () => Order.OrderShipped({ carrier: 'fedex' }),
  // @ts-expect-error -- A part has another type.
  () => Order.OrderShipped({ carrier: 7, at: '2026' }),
  // @ts-expect-error -- A part too many.
  () => Order.OrderShipped({ carrier: 'fedex', at: '2026', dock: 12 }),
  // @ts-expect-error -- What is stored is what the schema takes, not what it gives.
  () => Order.OrderShipped({ carrier: 'fedex', at: new Date() }),
  // @ts-expect-error -- No such event.
  () => eventType(Order, 'PaymentMade'),
  // @ts-expect-error -- An old name that leads to no event.
  () => events('A', { ThingMoved: z.object({}) }, { renamed: { ThingGone: 'ThingLost' } }),
  // Views.
  // @ts-expect-error -- No such event.
  () => view(Order, { initial: () => 0, evolve: { PaymentMade: (state) => state } }),
  // @ts-expect-error -- The event has no such part.
  () => view(Order, { initial: () => '', evolve: { OrderCancelled: (_state, event) => event.data.carrier } }),
  // @ts-expect-error -- The state has another type.
  () => view(Order, { initial: () => 0, evolve: { OrderCancelled: (_state, event) => event.data.reason } }),
  // @ts-expect-error -- A fold waits for nothing.
  () => view(Order, { initial: () => 0, evolve: { OrderCancelled: async () => 1 } }),
  // @ts-expect-error -- A wide state has the names of its parts.
  () => fold(combineViews({ status, total }), '1', []).sum,
  // Commands.
  // @ts-expect-error -- The events of another category.
  () => command(status, z.object({}), () => [Payment.PaymentMade({ amount: 1 })]),
  // @ts-expect-error -- An event with data that it does not have.
  () => command(status, z.object({}), () => [{ type: 'OrderCancelled', data: { why: 'x' } }]),
  // @ts-expect-error -- The input has no such part.
  () => command(status, z.object({ a: z.string() }), (input) => (input.b ? nothing : [])),
  // @ts-expect-error -- The state has no such part.
  () => command(status, z.object({}), (_input, state) => (state.isShipped ? nothing : [])),
  // @ts-expect-error -- Neither events, nor nothing, nor a refusal.
  () => command(status, z.object({}), () => true),
  // @ts-expect-error -- Deciding waits for nothing.
  () => command(status, z.object({}), async () => nothing),
  // @ts-expect-error -- The wrong input.
  (store) => handle(store, cancel, '1', { reason: 7, times: 1 }, { commandId: '' }),
  // @ts-expect-error -- No command id.
  (store) => handle(store, cancel, '1', { reason: '', times: 1 }, {}),
  // @ts-expect-error -- Not every result has events.
  async (store) => (await handle(store, cancel, '1', { reason: '', times: 1 }, { commandId: '' })).events,
  // @ts-expect-error -- The state has no such part.
  async (store) => (await load(store, status, '1')).state.isShipped,
  // Tests.
  // @ts-expect-error -- The wrong input.
  () => given(cancel).when({ reason: 7 }),
  // @ts-expect-error -- A reason that the command does not have.
  () => given(cancel).when({ reason: '', times: 1 }).thenRefused('not-shipped'),
  // @ts-expect-error -- The events of another category.
  () => given(cancel, [Payment.PaymentMade({ amount: 1 })]),
];

const compiled: readonly ((store: EventStore) => unknown)[] = [
  () => same<StateOf<typeof status>, { id: string; carrier: string | undefined }>(),
  () => same<Parameters<typeof Order.OrderShipped>[0], { carrier: string; at: string }>(),
  async () => {
    const event = await category(Order).decode(null as never);
    if (event?.type === 'OrderShipped') same<typeof event.data, { carrier: string; at: Date }>();
    if (event?.type === 'OrderCancelled') same<typeof event.data, { reason: string }>();
  },
  () => {
    const both = combineViews({ status, total });
    same<StateOf<typeof both>['total'], number>();
    return command(both, z.object({}), () => [
      Payment.PaymentMade({ amount: 1 }),
      Order.OrderCancelled({ reason: '' }),
    ]);
  },
  () =>
    view([Order, Payment], {
      initial: () => 0,
      evolve: {
        PaymentMade: (sum, { data }) => sum + data.amount,
        OrderShipped: (sum, { data }) => sum + data.at.getTime(),
      },
    }),
  async (store) => {
    const result = await handle(store, cancel, '1', { reason: '', times: '3' }, { commandId: '' });
    if (result.outcome === 'refused') {
      same<typeof result.code, 'already-shipped'>();
      same<typeof result.facts, { carrier: string }>();
    }
    if (result.outcome === 'appended' || result.outcome === 'repeated') result.events.map(({ id }) => id);
  },
];

describe('the types', () => {
  it('let an unknown event, a wrong payload and a wrong input not compile', () => {
    assert.equal(uncompiled.length, 25);
    assert.equal(compiled.length, 6);
  });
});
