import { setTimeout as wait } from 'node:timers/promises';

import { jsonEvent, type EventStore } from 'daybook';
import type { ReadModelRun } from 'daybook/read-model';

import { appendShop, orderStream, shopEvents, type ShopEvent } from './shop.ts';

const eventsPerMs = 1;
/** Events that may wait to be projected: the flow is no faster than the database. */
const waitingAtMost = 1_000n;
/** Events that go on coming while something else is done. */
export interface Flow extends AsyncDisposable {
  readonly events: () => number;
  /** Lets so many more come. */
  readonly more: (events: number) => void;
  /** These orders get a mail too, which puts nothing right. */
  readonly alsoTo: (orders: readonly string[]) => void;
}

/** A thousand events a second, as long as the read model keeps up, and no more than it was told. */
export function flowing(store: EventStore, run: ReadModelRun, random: () => number): Flow {
  const stopping = new AbortController();
  let events = 0;
  let atMost = 0;
  let mails: readonly ShopEvent[] = [];
  const isEnough = (): boolean => events >= atMost;
  const flow = (async () => {
    for (let round = 1; !stopping.signal.aborted; round++) {
      while (isEnough() && !stopping.signal.aborted) await wait(1);
      const some = shopEvents(3, random).map((each) => renamed(each, round));
      const [mail] = mails.slice(0, 1);
      mails = mails.slice(1);
      const head = await appendShop(store, mail === undefined ? some : [...some, mail]);
      events += some.length;
      await wait(some.length / eventsPerMs);
      while (head - (run.status().position ?? 0n) > waitingAtMost && !stopping.signal.aborted) await wait(1);
    }
  })();
  return {
    events: () => events,
    more: (wanted) => {
      atMost = events + wanted;
    },
    alsoTo(orders) {
      mails = orders.map((order_id) => ({
        stream: orderStream(order_id),
        event: jsonEvent({ type: 'ShipmentEmailSent', data: { order_id } }),
      }));
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await flow;
    },
  };
}

function renamed({ stream, event }: ShopEvent, round: number): ShopEvent {
  const data = JSON.parse(new TextDecoder().decode(event.data)) as Readonly<Record<string, unknown>>;
  const order_id = `later-${round}-${String(data['order_id'])}`;
  const category = stream.slice(0, stream.indexOf('-'));
  return {
    stream: `${category}-${order_id}`,
    event: { ...event, data: new TextEncoder().encode(JSON.stringify({ ...data, order_id })) },
  };
}
