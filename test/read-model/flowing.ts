import { setTimeout as wait } from 'node:timers/promises';

import type { EventStore } from 'daybook';

import { size } from '../size.ts';
import { appendShop, shopEvents } from './shop.ts';

const eventsPerMs = 1;
const eventsAtMost = size(6_000, { parts: 3 });

/** A thousand events a second while something else is done, but no more than a slow database can take. */
export function flowing(store: EventStore, random: () => number): AsyncDisposable & { readonly events: () => number } {
  const stopping = new AbortController();
  let events = 0;
  const flow = (async () => {
    for (let round = 1; !stopping.signal.aborted && events < eventsAtMost; round++) {
      const some = shopEvents(3, random).map((each) => renamed(each, round));
      await appendShop(store, some);
      events += some.length;
      await wait(some.length / eventsPerMs);
    }
  })();
  return {
    events: () => events,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await flow;
    },
  };
}

function renamed({ stream, event }: ReturnType<typeof shopEvents>[number], round: number) {
  const data = JSON.parse(new TextDecoder().decode(event.data)) as Readonly<Record<string, unknown>>;
  const order_id = `later-${round}-${String(data['order_id'])}`;
  const category = stream.slice(0, stream.indexOf('-'));
  return {
    stream: `${category}-${order_id}`,
    event: { ...event, data: new TextEncoder().encode(JSON.stringify({ ...data, order_id })) },
  };
}
