import { sampleEvent, type SampleEvent } from './sample-event.ts';

const stream = 'CustomerOrder-123456789';

/** The one order that everybody can look up: shipped, and the customer was told. Its data are kept byte for byte. */
export const goldenOrder: readonly SampleEvent[] = [
  sampleEvent({
    stream,
    number: 0,
    type: 'AwaitingShipment',
    json: '{"scanned_on":"2016-08-08T20:05:00.0000000Z","scanned_by":"thor.odinson@jet.com","dock":"12"}',
    createdMs: Date.UTC(2016, 7, 8, 20, 5, 0, 31),
  }),
  sampleEvent({
    stream,
    number: 1,
    type: 'OrderShipped',
    json: '{"fulfillment_center":"NJ1","carrier":"fedex","tracking_number":"abc123","shipped_to":"123 Main St., Hoboken, NJ, 07030","shipped_on":"2016-08-08T22:10:00.0000000Z"}',
    createdMs: Date.UTC(2016, 7, 8, 22, 10, 0, 17),
  }),
  sampleEvent({
    stream,
    number: 2,
    type: 'ShipmentEmailSent',
    json: '{"order_id":"123456789","total":"100.00","customer_email":"awesome.user@jet.com","subject":"Your Jet.com order shipped!","message":"Your order is on its way!!!"}',
    createdMs: Date.UTC(2016, 7, 8, 22, 10, 2, 604),
  }),
];
