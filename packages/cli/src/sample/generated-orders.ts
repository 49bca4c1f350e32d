import { Random } from './random.ts';
import { sampleEvent, sampleId, type SampleEvent } from './sample-event.ts';

const products = [
  { sku: 'MUG-12', price: 8.5 },
  { sku: 'TEA-250', price: 12.9 },
  { sku: 'KETTLE-1', price: 49 },
  { sku: 'SPOON-6', price: 15.25 },
  { sku: 'TRAY-3', price: 27.8 },
] as const;
const cities = ['Hoboken, NJ', 'Trenton, NJ', 'Albany, NY', 'Dover, DE', 'Utica, NY', 'Reading, PA'] as const;
const people = ['ada', 'grace', 'edsger', 'barbara', 'donald', 'radia', 'leslie', 'frances'] as const;
const carriers = ['fedex', 'ups', 'usps'] as const;
const centers = ['NJ1', 'NJ2', 'PA1'] as const;

const firstOrderMs = Date.UTC(2016, 7, 9, 6);
const minuteMs = 60_000;

/** Made-up orders from the days after the golden one, in the order in which their events happened. */
export function generatedOrders(count: number, seed = 20_160_808): readonly SampleEvent[] {
  const random = new Random(seed);
  const events: SampleEvent[] = [];
  let placedMs = firstOrderMs;
  for (let number = 0; number < count; number++) {
    placedMs += random.between(1, 12 * minuteMs);
    events.push(...order(random, 200_000_000 + number * 37, placedMs));
  }
  return events.toSorted((a, b) => a.createdMs - b.createdMs);
}

/** One order from its beginning to where it got. */
function order(random: Random, id: number, placedMs: number): readonly SampleEvent[] {
  const stream = `CustomerOrder-${id}`;
  const correlation = sampleId(`correlation of ${stream}`);
  const events: SampleEvent[] = [];
  let createdMs = placedMs;
  const add = (type: string, data: object, laterMinutes: number): void => {
    createdMs += Math.round(laterMinutes * minuteMs * (0.5 + random.next()));
    const cause = events.at(-1)?.event.id;
    const metadata = { $correlationId: correlation, ...(cause !== undefined && { $causationId: cause }) };
    events.push(sampleEvent({ stream, number: events.length, type, json: JSON.stringify(data), createdMs, metadata }));
  };
  const time = (): string => new Date(createdMs).toISOString();
  const email = `${random.oneOf(people)}.${id % 1_000}@example.com`;
  const lines = Array.from({ length: random.between(1, 4) }, () => {
    const { sku, price } = random.oneOf(products);
    return { sku, quantity: random.between(1, 3), price: price.toFixed(2) };
  });
  const total = lines.reduce((sum, line) => sum + Number(line.price) * line.quantity, 0).toFixed(2);
  add('OrderCreated', { order_id: String(id), customer_email: email, lines, total }, 0);
  if (random.happens(0.06)) {
    add('PaymentDeclined', { order_id: String(id), amount: total, reason: 'insufficient_funds' }, 0.1);
    return events;
  }
  add('PaymentAuthorized', { order_id: String(id), amount: total }, 0.1);
  if (random.happens(0.05)) {
    add('OrderCancelled', { order_id: String(id), cancelled_by: email }, 30);
    return events;
  }
  const center = random.oneOf(centers);
  add(
    'AwaitingShipment',
    { scanned_on: time(), scanned_by: `${random.oneOf(people)}@example.com`, dock: String(random.between(1, 24)) },
    90,
  );
  if (random.happens(0.04)) return events; // Still on the dock.
  const to = `${random.between(1, 400)} Main St., ${random.oneOf(cities)}`;
  const carrier = random.oneOf(carriers);
  add(
    'OrderShipped',
    { fulfillment_center: center, carrier, tracking_number: `${carrier}-${id}`, shipped_to: to, shipped_on: time() },
    120,
  );
  if (random.happens(0.03)) return events; // Nobody told the customer.
  add('ShipmentEmailSent', { order_id: String(id), total, customer_email: email, subject: 'Your order shipped!' }, 0.2);
  if (random.happens(0.7)) add('OrderDelivered', { order_id: String(id), left_at: 'front door' }, 2_000);
  return events;
}
