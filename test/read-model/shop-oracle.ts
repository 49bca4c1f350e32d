import type { EventStore, RecordedEvent } from 'daybook';

import { emptyShipment, type ShopTables } from './shop.ts';

/** A row of an order with where it was written last. */
export type OrderRow = ShopTables['shipments'] & { readonly _position: number };

/** The events of the shop by order, in the order of the log. */
export async function storiesOf(store: EventStore): Promise<ReadonlyMap<string, readonly RecordedEvent[]>> {
  const stories = new Map<string, RecordedEvent[]>();
  for await (const event of store.readAll({ filter: { streamPrefixes: ['CustomerOrder-', 'Payment-'] } })) {
    const id = event.stream.slice(event.stream.indexOf('-') + 1);
    stories.set(id, [...(stories.get(id) ?? []), event]);
  }
  return stories;
}

/** The row that events make of an order, or of a row that is there, by a fold that shares nothing with the read model. */
export function foldOrder(events: readonly RecordedEvent[], begin?: OrderRow): OrderRow | undefined {
  let row = begin;
  for (const event of events) row = evolved(row, event);
  return row;
}

function evolved(row: OrderRow | undefined, event: RecordedEvent): OrderRow | undefined {
  const data = JSON.parse(new TextDecoder().decode(event.data)) as Readonly<Record<string, never>>;
  const at = Number(event.position);
  if (event.type === 'AwaitingShipment') {
    const before = row ?? { ...emptyShipment(data['order_id'] ?? ''), _position: at };
    return { ...before, changes: before.changes + 1, _position: at };
  }
  if (row === undefined || event.type === 'OrderCancelled') return undefined;
  const next = { ...row, changes: row.changes + 1, _position: at };
  switch (event.type) {
    case 'OrderShipped':
      return { ...next, carrier: data['carrier'] ?? null, shipped_on: data['shipped_on'] ?? null };
    case 'ShipmentEmailSent':
      return { ...next, mails: row.mails + 1 };
    case 'PaymentAuthorized':
      return { ...next, paid: row.paid + Number(data['amount']) };
    default:
      return row;
  }
}
