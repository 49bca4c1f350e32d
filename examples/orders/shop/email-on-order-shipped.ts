import { idOf, type EventStore } from 'daybook';
import { consumer, type Consumer } from 'daybook/consumer';
import { command, commandIdFrom, eventType, handle, load, nothing } from 'daybook/decider';
import { z } from 'zod';

import { Order } from './happened.ts';
import { order } from './ordering.ts';

const recordEmail = command(order, z.object({ to: z.string(), subject: z.string() }), ({ to, subject }, state) =>
  state.isEmailSent ? nothing : [Order.ShipmentEmailSent({ customer_email: to, subject })],
);

/** What sends mails. */
export interface Mailer {
  send(mail: { readonly to: string; readonly subject: string; readonly key: string }): Promise<void>;
}

/** The mail that a handler asks for. */
interface ShippedMail {
  readonly kind: 'shipped-mail';
  readonly orderId: string;
}

/**
 * Tells customers that their order is on its way, once for each: who was told already is not told again, and the ledger
 * knows of a mail that went out right before a crash. Then the order's own stream says that the mail was sent.
 */
export function emailOnOrderShipped({
  store,
  mailer,
}: {
  readonly store: EventStore;
  readonly mailer: Mailer;
}): Consumer {
  return consumer('EmailOnOrderShipped', {
    from: eventType(Order, 'OrderShipped'),
    startAt: 'now',
    retry: { attempts: 5, then: 'park-stream' },
    concurrency: 8,
    handle: ({ stream }): readonly ShippedMail[] => [{ kind: 'shipped-mail', orderId: idOf(stream) ?? '' }],
    interpret: async ({ orderId }, { key, once }) => {
      const { state } = await load(store, order, orderId);
      if (state.isEmailSent) return;
      const mail = { to: state.email, subject: `Your order ${orderId} is on its way` };
      await once({ key: `mail/${orderId}` }, () => mailer.send({ ...mail, key }));
      await handle(store, recordEmail, orderId, mail, { commandId: commandIdFrom(key) });
    },
  });
}
