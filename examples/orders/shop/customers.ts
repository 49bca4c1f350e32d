import { setTimeout as wait } from 'node:timers/promises';

import type { EventStore } from 'daybook';
import { handle, load, type StateCache } from 'daybook/decider';

import { addItem } from './cart.ts';
import { order, orderPage, placeOrder } from './ordering.ts';
import { pay, type Bank } from './payment.ts';

const products = [
  { sku: 'MUG-12', price: '8.50' },
  { sku: 'TEA-250', price: '12.90' },
  { sku: 'KETTLE-1', price: '49.00' },
  { sku: 'SPOON-6', price: '15.25' },
] as const;

/** A customer: fills a cart, orders, pays. Gives the number of the order. */
export async function shopOnce(
  shop: { readonly store: EventStore; readonly bank: Bank },
  number: number,
): Promise<string> {
  const { store, bank } = shop;
  const cartId = crypto.randomUUID();
  const orderId = String(number);
  for (let item = 0; item <= number % 3; item += 1) {
    const { sku, price } = products[(number + item) % products.length] ?? products[0];
    await handle(
      store,
      addItem,
      cartId,
      { sku, quantity: 1 + (number % 2), price },
      { commandId: crypto.randomUUID() },
    );
  }
  await placeOrder(store, { cartId, orderId, email: `customer.${number % 1_000}@example.com` });
  const { state } = await load(store, order, orderId);
  await pay({ store, bank }, { orderId, amount: state.total });
  return orderId;
}

/** Customers who come one after the other, some a second, until the signal. Each looks at their order afterwards. */
export async function customers(
  shop: { readonly store: EventStore; readonly bank: Bank; readonly cache: StateCache },
  { perSecond, first, signal }: { readonly perSecond: number; readonly first: number; readonly signal: AbortSignal },
): Promise<void> {
  for (let number = first; !signal.aborted; number += 1) {
    await orderPage(shop, await shopOnce(shop, number));
    await wait(1_000 / perSecond, undefined, { signal }).catch(() => {}); // The signal ends the loop.
  }
}
