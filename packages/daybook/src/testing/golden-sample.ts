import { randomUUID } from 'node:crypto';

import type { NewEvent } from '../store/event.ts';

/** One event of the sample. */
export interface SampleEvent {
  readonly type: string;
  /** JSON, to be kept as it is. */
  readonly json: string;
}

/** The life of one order, as the story that Daybook comes from tells it: three events, byte for byte. */
export const goldenSample: readonly [SampleEvent, SampleEvent, SampleEvent] = [
  {
    type: 'AwaitingShipment',
    json: '{"scanned_on":"2016-08-08T20:05:00.0000000Z","scanned_by":"thor.odinson@jet.com","dock":"12"}',
  },
  {
    type: 'OrderShipped',
    json: '{"fulfillment_center":"NJ1","carrier":"fedex","tracking_number":"abc123","shipped_to":"123 Main St., Hoboken, NJ, 07030","shipped_on":"2016-08-08T22:10:00.0000000Z"}',
  },
  {
    type: 'ShipmentEmailSent',
    json: '{"order_id":"123456789","total":"100.00","customer_email":"awesome.user@jet.com","subject":"Your Jet.com order shipped!","message":"Your order is on its way!!!"}',
  },
];

/** The stream that the sample is about. */
export const goldenStream = 'CustomerOrder-123456789';

/** The sample as events to append, each with a new id. */
export function goldenEvents(): readonly NewEvent[] {
  return goldenSample.map(({ type, json }) => ({
    id: randomUUID(),
    type,
    data: new TextEncoder().encode(json),
    contentType: 'application/json',
  }));
}
