import { events } from 'daybook/decider';
import { z } from 'zod';

/** What happens to the streams of the shop: carts, orders and payments, one stream for each of them. */
export const Cart = events('Cart', {
  ItemAdded: z.object({ sku: z.string(), quantity: z.int().positive(), price: z.string() }),
  ItemRemoved: z.object({ sku: z.string() }),
  CheckedOut: z.object({ order_id: z.string() }),
});

const line = z.object({ sku: z.string(), quantity: z.number(), price: z.string() });

export const Order = events(
  'CustomerOrder',
  {
    OrderCreated: z.object({
      order_id: z.string(),
      customer_email: z.string(),
      lines: z.array(line),
      total: z.string(),
    }),
    AwaitingShipment: z.object({ scanned_on: z.string(), scanned_by: z.string(), dock: z.string() }),
    OrderShipped: z.object({ carrier: z.string(), tracking_number: z.string(), shipped_on: z.string() }),
    ShipmentEmailSent: z.object({ customer_email: z.string(), subject: z.string() }),
  },
  { allowNames: ['AwaitingShipment'] },
);

export const Payment = events('Payment', {
  PaymentAuthorized: z.object({ order_id: z.string(), amount: z.string() }),
  PaymentDeclined: z.object({ order_id: z.string(), amount: z.string(), reason: z.string() }),
});
