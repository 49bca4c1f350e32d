import { jsonEvent, streamName, type EventStore } from 'daybook';
import type { ConsumerRun } from 'daybook/consumer';

/** Nothing takes longer, also while other programmes share the machine. */
const patience = { timeoutMs: 30_000 };

/** A process that is to be killed and lives after so many more orders has missed its point. */
const mostOrders = 30;

/** Waits until a consumer has handled everything. One that is doomed is given more, until it is killed. */
export async function untilHandled(
  run: ConsumerRun,
  store: EventStore,
  { isDoomed }: { readonly isDoomed: boolean },
): Promise<void> {
  const { position } = await store.head();
  if (position !== undefined) await run.reached(position, patience);
  if (!isDoomed) return;
  for (let order = 0; order < mostOrders; order += 1) {
    const event = jsonEvent({ type: 'OrderShipped', data: order });
    const shipped = await store.append(streamName('Order-more'), [event], { expected: 'any' });
    await run.reached(shipped.position, patience);
  }
}
