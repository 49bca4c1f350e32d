import { events, view, type Events, type StandardSchema, type View } from 'daybook/decider';
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
