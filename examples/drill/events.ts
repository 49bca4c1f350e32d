import { createHash } from 'node:crypto';

import { jsonEvent, streamName, type EventStore } from 'daybook';

import { moment } from './moments.ts';

/** The first order comes in. */
const begin = Date.UTC(2016, 7, 1);
const dayMs = 86_400_000;
const carriers = ['fedex', 'ups', 'dhl'] as const;
const types = ['AwaitingShipment', 'OrderShipped', 'ShipmentEmailSent'] as const;
const batchSize = 500;

/** When the event with this number happened: the first day brings `before`, the eight days after it the rest. */
export function happened(index: number, before: number, total: number): Date {
  if (index < before) return new Date(begin + (index / before) * dayMs);
  return new Date(begin + dayMs + ((index - before) / (total - before)) * 8 * dayMs);
}

interface Upcoming {
  readonly upTo: number;
  readonly before: number;
  readonly total: number;
  readonly now?: () => Date;
}

/**
 * Appends the shop's events up to the one with number `upTo`, from where the log ends. The same ones each time. They
 * happened when they did, or, with `now`, happen now.
 */
export async function appendUpTo(store: EventStore, { upTo, before, total, now }: Upcoming): Promise<void> {
  const { revision = -1n } = await store.streamState(streamName('$ce-CustomerOrder'));
  for (let from = Number(revision) + 1; from < upTo; from += batchSize) {
    const length = Math.min(batchSize, upTo - from);
    moment();
    await store.appendAll(
      Array.from({ length }, (_, offset) => {
        const index = from + offset;
        const order = Math.floor(index / types.length) + 1;
        const type = types[index % types.length] ?? types[0];
        return {
          stream: streamName(`CustomerOrder-${order}`),
          events: [{ ...eventOf(type, order, index), created: now?.() ?? happened(index, before, total) }],
          expected: 'any' as const,
        };
      }),
    );
  }
}

function eventOf(type: (typeof types)[number], order: number, index: number): ReturnType<typeof jsonEvent> {
  const hex = createHash('sha256').update(`event ${index}`).digest('hex');
  const id = [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)];
  const carrier = carriers[order % carriers.length];
  const data = { order_id: String(order), carrier, shipped_on: '2016-08-08T22:10:00.0000000Z' };
  return jsonEvent({ type, id: id.join('-'), data });
}
