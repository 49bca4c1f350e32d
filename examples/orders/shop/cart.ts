import type { EventStore } from 'daybook';
import { command, load, nothing, refuse, view } from 'daybook/decider';
import { z } from 'zod';

import { Cart } from './happened.ts';

/** What is in a cart, as its page shows it. */
export const cart = view(Cart, {
  name: 'Cart',
  initial: (id) => ({
    id,
    lines: {} as Readonly<Record<string, { readonly quantity: number; readonly price: string }>>,
    orderId: undefined as string | undefined,
  }),
  evolve: {
    ItemAdded: (state, { data }) => ({
      ...state,
      lines: {
        ...state.lines,
        [data.sku]: { quantity: (state.lines[data.sku]?.quantity ?? 0) + data.quantity, price: data.price },
      },
    }),
    ItemRemoved: (state, { data }) => {
      const { [data.sku]: _, ...lines } = state.lines;
      return { ...state, lines };
    },
    CheckedOut: (state, { data }) => ({ ...state, orderId: data.order_id }),
  },
});

export const addItem = command(
  cart,
  z.object({ sku: z.string(), quantity: z.int().positive(), price: z.string() }),
  (input, state) => (state.orderId === undefined ? [Cart.ItemAdded(input)] : refuse('checked-out')),
);

export const checkOut = command(cart, z.object({ orderId: z.string() }), (input, state) => {
  if (state.orderId !== undefined) return state.orderId === input.orderId ? nothing : refuse('checked-out');
  if (Object.keys(state.lines).length === 0) return refuse('empty-cart');
  return [Cart.CheckedOut({ order_id: input.orderId })];
});

/** The cart page reads the cart's own stream: a customer sees at once what they have just put in. */
export async function cartPage(store: EventStore, cartId: string): Promise<string> {
  const { state } = await load(store, cart, cartId);
  const lines = Object.entries(state.lines).map(([sku, { quantity, price }]) => `${quantity} × ${sku} at ${price}`);
  return lines.length === 0 ? 'Your cart is empty.' : lines.join('\n');
}
