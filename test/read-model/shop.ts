import { jsonEvent, streamName, type Appended, type DecodedEvent, type EventStore, type NewEvent } from 'daybook';
import { readModel, type Handler, type ReadModel, type TableShape } from 'daybook/read-model';
import { sql, type Kysely } from 'kysely';

/** The tables of the shop's read model. */
export interface ShopTables {
  readonly shipments: {
    readonly order_id: string;
    readonly carrier: string | null;
    readonly shipped_on: string | null;
    readonly mails: number;
    readonly paid: number;
    readonly changes: number;
  };
  readonly carriers: { readonly carrier: string; readonly parcels: number };
}

interface Data {
  readonly order_id: string;
  readonly carrier: string;
  readonly shipped_on: string;
  readonly amount: number;
}

/** What an event of the shop says. Its data were written by the test. */
export function dataOf(event: { readonly data: unknown }): Data {
  return event.data as Data;
}

/** Makes the shop's tables. */
export async function makeShopTables(db: Kysely<ShopTables>): Promise<void> {
  await db.schema
    .createTable('shipments')
    .addColumn('order_id', 'varchar(100)', (column) => column.primaryKey())
    .addColumn('carrier', 'varchar(100)')
    .addColumn('shipped_on', 'varchar(40)')
    .addColumn('mails', 'integer', (column) => column.notNull())
    .addColumn('paid', 'integer', (column) => column.notNull())
    .addColumn('changes', 'integer', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('shipments_carrier').on('shipments').column('carrier').execute();
  await db.schema
    .createTable('carriers')
    .addColumn('carrier', 'varchar(100)', (column) => column.primaryKey())
    .addColumn('parcels', 'integer', (column) => column.notNull())
    .execute();
}

/** What an order's row is before anything happened. */
export function emptyShipment(orderId: string): ShopTables['shipments'] {
  return { order_id: orderId, carrier: null, shipped_on: null, mails: 0, paid: 0, changes: 0 };
}

/** What an event puts into the shop's tables. */
export type ShopHandler = Handler<DecodedEvent, ShopTables>;

/** The definition of the shop's read model. */
export interface ShopOptions {
  readonly from: readonly string[];
  readonly tables: {
    readonly shipments: TableShape<keyof ShopTables['shipments']>;
    readonly carriers: TableShape<keyof ShopTables['carriers']>;
  };
  readonly migrate: (db: Kysely<ShopTables>) => Promise<void>;
  readonly on: {
    readonly AwaitingShipment: ShopHandler;
    readonly OrderShipped: ShopHandler;
    readonly ShipmentEmailSent: ShopHandler;
    readonly PaymentAuthorized: ShopHandler;
    readonly OrderCancelled: ShopHandler;
  };
}

/** The options of the shop's read model, for tests that change something in it. */
export function shopOptions(): ShopOptions {
  return {
    from: ['$ce-CustomerOrder', '$et-PaymentAuthorized'],
    tables: { shipments: { key: ['order_id'] }, carriers: { key: ['carrier'] } },
    migrate: makeShopTables,
    on: {
      AwaitingShipment: (event, tx) =>
        tx
          .insertInto('shipments')
          .values({ ...emptyShipment(dataOf(event).order_id), changes: 1 })
          .onConflict((conflict) =>
            conflict.column('order_id').doUpdateSet({ changes: sql`${sql.ref('shipments.changes')} + 1` }),
          )
          .execute(),
      OrderShipped: async (event, tx) => {
        const { order_id, carrier, shipped_on } = dataOf(event);
        await tx
          .updateTable('shipments')
          .set({ carrier, shipped_on, changes: sql`changes + 1` })
          .where('order_id', '=', order_id)
          .execute();
        await tx
          .insertInto('carriers')
          .values({ carrier, parcels: 1 })
          .onConflict((conflict) =>
            conflict.column('carrier').doUpdateSet({ parcels: sql`${sql.ref('carriers.parcels')} + 1` }),
          )
          .execute();
      },
      ShipmentEmailSent: (event, tx) =>
        tx
          .updateTable('shipments')
          .set({ mails: sql`mails + 1`, changes: sql`changes + 1` })
          .where('order_id', '=', dataOf(event).order_id)
          .execute(),
      PaymentAuthorized: (event, tx) =>
        tx
          .updateTable('shipments')
          .set({ paid: sql`paid + ${dataOf(event).amount}`, changes: sql`changes + 1` })
          .where('order_id', '=', dataOf(event).order_id)
          .execute(),
      OrderCancelled: (event, tx) =>
        tx.deleteFrom('shipments').where('order_id', '=', dataOf(event).order_id).execute(),
    },
  };
}

/** The shop's read model: one row for each order and one for each carrier, from two sources. */
export function shopModel(name = 'shop'): ReadModel {
  return readModel(name, shopOptions());
}

/** The stream of an order. */
export function orderStream(id: string): ReturnType<typeof streamName> {
  return streamName(`CustomerOrder-${id}`);
}

/** One event of the shop and the stream it belongs to. */
export interface ShopEvent {
  readonly stream: string;
  readonly event: NewEvent;
}

const carriers = ['fedex', 'ups', 'dhl'];

/** The events of so many orders, mixed as they happen in a shop. The same seed gives the same events. */
export function shopEvents(orders: number, random: () => number = Math.random): readonly ShopEvent[] {
  const waiting = Array.from({ length: orders }, (_, index) => storyOf(`${index + 1}`, random));
  const events: ShopEvent[] = [];
  let active = waiting.splice(0, 50);
  while (active.length > 0) {
    const story = active[Math.floor(random() * active.length)];
    const next = story?.shift();
    if (next === undefined) {
      active = [...active.filter((other) => other !== story), ...waiting.splice(0, 1)];
    } else {
      events.push(next);
    }
  }
  return events;
}

function storyOf(id: string, random: () => number): ShopEvent[] {
  const inOrder = (type: string, data: Readonly<Record<string, unknown>>): ShopEvent => ({
    stream: orderStream(id),
    event: jsonEvent({ type, data: { order_id: id, ...data } }),
  });
  const story = [inOrder('AwaitingShipment', { dock: '12' })];
  const amount = 1 + Math.floor(random() * 100);
  const payment = jsonEvent({ type: 'PaymentAuthorized', data: { order_id: id, amount } });
  if (random() < 0.7) story.push({ stream: `Payment-${id}`, event: payment });
  if (random() < 0.8) {
    const carrier = carriers[Math.floor(random() * carriers.length)];
    story.push(inOrder('OrderShipped', { carrier, shipped_on: '2016-08-08T22:10:00.0000000Z' }));
    if (random() < 0.9) story.push(inOrder('ShipmentEmailSent', { customer_email: 'awesome.user@jet.com' }));
  } else if (random() < 0.3) {
    story.push(inOrder('OrderCancelled', {}));
  }
  return story;
}

/** Appends events, each to its stream, a few hundred in a transaction. Gives the last answer. */
export async function appendShop(store: EventStore, events: readonly ShopEvent[]): Promise<Appended['position']> {
  let last = (await store.head()).position;
  for (let from = 0; from < events.length; from += 500) {
    const appends = events.slice(from, from + 500).map(({ stream, event }) => ({
      stream: streamName(stream),
      events: [event],
      expected: 'any' as const,
    }));
    last = (await store.appendAll(appends)).position ?? last;
  }
  if (last === undefined) throw new Error('the log is empty');
  return last;
}

/** All rows of the shop's tables, by key, as a test compares them. */
export async function shopRows(db: Kysely<ShopTables>): Promise<Readonly<Record<string, readonly unknown[]>>> {
  const shipments = await db.selectFrom('shipments').selectAll().orderBy('order_id').execute();
  const parcels = await db.selectFrom('carriers').selectAll().orderBy('carrier').execute();
  return { shipments: shipments.map(plain), carriers: parcels.map(plain) };
}

/** Drivers give large numbers as text. */
function plain(row: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [column, column === '_position' ? Number(value) : value]),
  );
}
