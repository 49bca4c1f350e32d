import {
  command,
  events,
  nothing,
  refuse,
  view,
  type Command,
  type Events,
  type NewDomainEvent,
  type Nothing,
  type Refusal,
  type StandardSchema,
  type View,
} from 'daybook/decider';
import { z } from 'zod';

interface AwaitingShipment {
  scanned_on: string;
  scanned_by: string;
  dock: string;
}

interface OrderShipped {
  carrier: string;
  tracking_number: string;
  shipped_on: string;
}

interface ShipmentEmailSent {
  customer_email: string;
  subject: string;
}

// A type, not an interface: only a type can be taken for a record of schemas.
export type OrderSchemas = {
  readonly AwaitingShipment: StandardSchema<AwaitingShipment>;
  readonly OrderShipped: StandardSchema<OrderShipped>;
  readonly ShipmentEmailSent: StandardSchema<ShipmentEmailSent>;
};

/** The events of the golden sample, as the shop declares them. */
export const Order: Events<OrderSchemas> = events(
  'CustomerOrder',
  {
    AwaitingShipment: z.object({ scanned_on: z.string(), scanned_by: z.string(), dock: z.string() }),
    OrderShipped: z.object({ carrier: z.string(), tracking_number: z.string(), shipped_on: z.string() }),
    ShipmentEmailSent: z.object({ customer_email: z.string(), subject: z.string() }),
  },
  { allowNames: ['AwaitingShipment'] },
);

export interface ShipmentStatus {
  readonly orderId: string;
  readonly isShipped: boolean;
  readonly shippedOn: string | undefined;
  readonly isEmailSent: boolean;
}

/** The view of the mission: is it shipped, and was the mail sent. */
export const shipmentStatus: View<ShipmentStatus, OrderSchemas> = view(Order, {
  name: 'ShipmentStatus',
  initial: (id): ShipmentStatus => ({ orderId: id, isShipped: false, shippedOn: undefined, isEmailSent: false }),
  evolve: {
    OrderShipped: (state, event) => ({ ...state, isShipped: true, shippedOn: event.data.shipped_on }),
    ShipmentEmailSent: (state) => ({ ...state, isEmailSent: true }),
  },
});

interface RecordEmail {
  to: string;
}

/** The command of the mission: no mail before the shipment, and no second one. */
export const recordEmail: Command<
  ShipmentStatus,
  OrderSchemas,
  StandardSchema<RecordEmail>,
  Nothing | Refusal<'not-shipped', undefined> | readonly NewDomainEvent<OrderSchemas>[]
> = command(shipmentStatus, z.object({ to: z.string() }), (input, state) => {
  if (!state.isShipped) return refuse('not-shipped');
  if (state.isEmailSent) return nothing;
  return [Order.ShipmentEmailSent({ customer_email: input.to, subject: 'Your order shipped!' })];
});
