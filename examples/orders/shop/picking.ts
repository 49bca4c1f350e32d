import type { EventStore } from 'daybook';
import { consumer, type Consumer } from 'daybook/consumer';
import { command, commandIdFrom, eventType, handle, nothing, refuse } from 'daybook/decider';
import { z } from 'zod';

import { Order, Payment } from './happened.ts';
import { order } from './ordering.ts';

const scanAtDock = command(
  order,
  z.object({ scannedOn: z.string(), scannedBy: z.string(), dock: z.string() }),
  (input, state) => {
    if (!state.isCreated) return refuse('no-such-order');
    if (state.isAtTheDock) return nothing;
    const { scannedOn, scannedBy, dock } = input;
    return [Order.AwaitingShipment({ scanned_on: scannedOn, scanned_by: scannedBy, dock })];
  },
);

/** The warehouse: what is paid for is brought to a dock. */
export function picking(store: EventStore): Consumer {
  return consumer('PickOnPaymentAuthorized', {
    from: eventType(Payment, 'PaymentAuthorized'),
    startAt: 'now', // What was paid before the shop had a warehouse was picked by hand.
    handle: async ({ data, created }, { key }) => {
      const input = {
        scannedOn: created.toISOString(),
        scannedBy: 'thor.odinson@example.com',
        dock: dockOf(data.order_id),
      };
      await handle(store, scanAtDock, data.order_id, input, { commandId: commandIdFrom(key) });
    },
  });
}

/** Which of the 24 docks an order goes to. */
function dockOf(orderId: string): string {
  return String((Number(orderId) % 24) + 1);
}
