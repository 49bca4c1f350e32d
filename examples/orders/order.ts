import { command, events, nothing, refuse, view } from 'daybook/decider';
import { z } from 'zod';

/** What can happen to an order. The data are what each event is about, and no more. */
export const Order = events(
  'CustomerOrder',
  {
    AwaitingShipment: z.object({ scanned_on: z.string(), scanned_by: z.string(), dock: z.string() }),
    OrderShipped: z.object({ carrier: z.string(), tracking_number: z.string(), shipped_on: z.string() }),
    ShipmentEmailSent: z.object({ customer_email: z.string(), subject: z.string() }),
  },
  { allowNames: ['AwaitingShipment'] },
);

/** Is it shipped, since when, and was the mail sent? */
export const shipmentStatus = view(Order, {
  name: 'ShipmentStatus',
  initial: (id) => ({ orderId: id, isShipped: false, shippedOn: undefined as string | undefined, isEmailSent: false }),
  evolve: {
    OrderShipped: (state, event) => ({ ...state, isShipped: true, shippedOn: event.data.shipped_on }),
    ShipmentEmailSent: (state) => ({ ...state, isEmailSent: true }),
  },
});

/** The customer was told: once, and not before there is something to tell. */
export const recordEmail = command(shipmentStatus, z.object({ to: z.string() }), (input, state) => {
  if (!state.isShipped) return refuse('not-shipped');
  if (state.isEmailSent) return nothing;
  return [Order.ShipmentEmailSent({ customer_email: input.to, subject: 'Your order shipped!' })];
});
