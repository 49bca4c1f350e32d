import { idOf, type EventStore } from 'daybook';
import { consumer, type Consumer } from 'daybook/consumer';
import { command, commandIdFrom, eventType, handle, nothing } from 'daybook/decider';
import { z } from 'zod';

import { Order } from './happened.ts';
import { order } from './ordering.ts';

const ship = command(order, z.object({ carrier: z.string(), shippedOn: z.string() }), ({ carrier, shippedOn }, state) =>
  state.isShipped
    ? nothing
    : [Order.OrderShipped({ carrier, tracking_number: `${carrier}-${state.id}`, shipped_on: shippedOn })],
);

const carriers = ['fedex', 'ups', 'usps'] as const;

/** The dock: when a package awaits shipment, it is shipped. */
export function shipping(store: EventStore): Consumer {
  return consumer('ShipOnAwaitingShipment', {
    from: eventType(Order, 'AwaitingShipment'),
    startAt: 'now',
    handle: async ({ stream, created }, { key }) => {
      const id = idOf(stream) ?? '';
      const input = { carrier: carriers[Number(id) % 3] ?? 'fedex', shippedOn: created.toISOString() };
      await handle(store, ship, id, input, { commandId: commandIdFrom(key) });
    },
  });
}
