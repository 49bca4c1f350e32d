import { idOf, type EventStore } from 'daybook';
import { consumer, type Consumer } from 'daybook/consumer';
import { category, load, type StateCache } from 'daybook/decider';

import { Order } from './happened.ts';
import { order } from './ordering.ts';

/**
 * Keeps the states of orders at hand for whoever looks at them with `orderPage`: a service of its own, with a checkpoint
 * of its own. A cache in memory serves its own process only.
 */
export function orderCache({ store, cache }: { readonly store: EventStore; readonly cache: StateCache }): Consumer {
  return consumer('OrderCache', {
    from: category(Order),
    startAt: 'now',
    concurrency: 8,
    handle: async ({ stream }) => {
      await load(store, order, idOf(stream) ?? '', { cache });
    },
  });
}
