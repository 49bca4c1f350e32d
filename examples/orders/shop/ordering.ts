import type { EventStore } from 'daybook';
import { command, commandIdFrom, handle, load, nothing, view, type StateCache } from 'daybook/decider';
import { z } from 'zod';

import { cart, checkOut } from './cart.ts';
import { Order } from './happened.ts';

/** Where an order stands. Each step of its way is an event. */
export const order = view(Order, {
  name: 'Order',
  initial: (id) => ({
    id,
    isCreated: false,
    email: '',
    total: '0.00',
    isAtTheDock: false,
    isShipped: false,
    isEmailSent: false,
  }),
  evolve: {
    OrderCreated: (state, { data }) => ({ ...state, isCreated: true, email: data.customer_email, total: data.total }),
    AwaitingShipment: (state) => ({ ...state, isAtTheDock: true }),
    OrderShipped: (state) => ({ ...state, isShipped: true }),
    ShipmentEmailSent: (state) => ({ ...state, isEmailSent: true }),
  },
});

const lines = z.array(z.object({ sku: z.string(), quantity: z.number(), price: z.string() }));

const createOrder = command(order, z.object({ email: z.string(), lines, total: z.string() }), (input, state) =>
  state.isCreated
    ? nothing
    : [
        Order.OrderCreated({
          order_id: state.id,
          customer_email: input.email,
          lines: input.lines,
          total: input.total,
        }),
      ],
);

/**
 * Makes an order of a cart. The ids of its commands come from the cart: whoever sends it twice gets one order, also
 * when the first time was cut off half way.
 */
export async function placeOrder(
  store: EventStore,
  { cartId, orderId, email }: { readonly cartId: string; readonly orderId: string; readonly email: string },
): Promise<void> {
  const checkedOut = await handle(store, checkOut, cartId, { orderId }, { commandId: commandIdFrom(`out ${cartId}`) });
  if (checkedOut.outcome === 'refused')
    throw new Error(`The cart ${cartId} cannot be checked out: ${checkedOut.code}.`);
  const { state } = await load(store, cart, cartId);
  const bought = Object.entries(state.lines).map(([sku, line]) => ({ sku, ...line }));
  const total = bought.reduce((sum, { quantity, price }) => sum + quantity * Number(price), 0).toFixed(2);
  const input = { email, lines: bought, total };
  await handle(store, createOrder, orderId, input, { commandId: commandIdFrom(`order ${cartId}`) });
}

/** A page may show what was so this long ago. While the service is not behind, it is younger. */
const pageAgeMs = 60_000;

/** The page of an order, from the state that the service `cache` keeps: while that is young, the store is not asked. */
export async function orderPage(
  { store, cache }: { readonly store: EventStore; readonly cache: StateCache },
  orderId: string,
): Promise<string> {
  const { state } = await load(store, order, orderId, { cache, maxAgeMs: pageAgeMs });
  if (!state.isCreated) return 'There is no such order.';
  if (state.isEmailSent) return `It is on its way, and we have written to ${state.email}.`;
  if (state.isShipped) return 'It is on its way.';
  return state.isAtTheDock ? 'It waits for its carrier.' : 'We have your order.';
}
