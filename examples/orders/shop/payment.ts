import type { EventStore } from 'daybook';
import { command, commandIdFrom, handle, load, nothing, view } from 'daybook/decider';
import { z } from 'zod';

import { Payment } from './happened.ts';

/** What became of a payment. */
const payment = view(Payment, {
  name: 'Payment',
  initial: (id) => ({ orderId: id, outcome: undefined as 'authorized' | 'declined' | undefined }),
  evolve: {
    PaymentAuthorized: (state) => ({ ...state, outcome: 'authorized' as const }),
    PaymentDeclined: (state) => ({ ...state, outcome: 'declined' as const }),
  },
});

const answer = z.object({ amount: z.string(), declined: z.string().optional() });

const recordAnswer = command(payment, answer, ({ amount, declined }, state) => {
  if (state.outcome !== undefined) return nothing;
  const paid = { order_id: state.orderId, amount };
  return declined === undefined
    ? [Payment.PaymentAuthorized(paid)]
    : [Payment.PaymentDeclined({ ...paid, reason: declined })];
});

/** The bank. It knows a payment by its key, so that one that is asked for twice is made once. */
export interface Bank {
  authorize(payment: { readonly key: string; readonly amount: string }): Promise<{ readonly declined?: string }>;
}

/**
 * Asks the bank while the customer waits. What the bank said is the event: nobody has to guess later whether the order
 * was paid. Asked again, it answers from the log.
 */
export async function pay(
  { store, bank }: { readonly store: EventStore; readonly bank: Bank },
  { orderId, amount }: { readonly orderId: string; readonly amount: string },
): Promise<'authorized' | 'declined'> {
  const { state } = await load(store, payment, orderId);
  if (state.outcome !== undefined) return state.outcome;
  const said = await bank.authorize({ key: orderId, amount });
  await handle(store, recordAnswer, orderId, { amount, ...said }, { commandId: commandIdFrom(`pay ${orderId}`) });
  return (await load(store, payment, orderId)).state.outcome ?? 'declined';
}
