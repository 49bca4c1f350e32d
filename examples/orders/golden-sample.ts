import { streamName, type NewEvent, type StreamName } from 'daybook';

/** The order that the examples are about. */
export const order: StreamName = streamName('CustomerOrder-123456789');

/** What happened to it. The ids stay the same, so appending them again changes nothing. */
export const goldenSample: readonly NewEvent[] = [
  event(
    'd1b04f6e-6f4b-4f0e-9d5c-7a3c3f3f0001',
    'AwaitingShipment',
    '{"scanned_on":"2016-08-08T20:05:00.0000000Z","scanned_by":"thor.odinson@jet.com","dock":"12"}',
  ),
  event(
    'd1b04f6e-6f4b-4f0e-9d5c-7a3c3f3f0002',
    'OrderShipped',
    '{"fulfillment_center":"NJ1","carrier":"fedex","tracking_number":"abc123","shipped_to":"123 Main St., Hoboken, NJ, 07030","shipped_on":"2016-08-08T22:10:00.0000000Z"}',
  ),
  event(
    'd1b04f6e-6f4b-4f0e-9d5c-7a3c3f3f0003',
    'ShipmentEmailSent',
    '{"order_id":"123456789","total":"100.00","customer_email":"awesome.user@jet.com","subject":"Your Jet.com order shipped!","message":"Your order is on its way!!!"}',
  ),
];

/** An event from JSON text: the store keeps these very bytes, so times keep their seven digits. */
function event(id: string, type: string, json: string): NewEvent {
  return { id, type, data: new TextEncoder().encode(json), contentType: 'application/json' };
}
