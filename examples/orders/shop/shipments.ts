import { idOf } from 'daybook';
import { category, eventType } from 'daybook/decider';
import { readModel } from 'daybook/read-model';
import type { Kysely, Transaction } from 'kysely';

import { Order, Payment } from './happened.ts';

/** The table that the shop's own people, and their reports, look at. */
export interface ShopTables {
  readonly shipments: {
    readonly order_id: string;
    readonly total: string | null;
    readonly paid: string | null;
    readonly carrier: string | null;
    readonly shipped_on: string | null;
    readonly told: string | null;
  };
}

/** One row for each order, from the orders and their payments: two sources, merged in the order of the log. */
export const shipments = readModel('shipments', {
  from: [category(Order), eventType(Payment, 'PaymentAuthorized')],
  tables: { shipments: { key: ['order_id'] } },
  migrate: async (db: Kysely<ShopTables>) => {
    const table = db.schema
      .createTable('shipments')
      .addColumn('order_id', 'varchar(100)', (column) => column.primaryKey());
    const columns = ['total', 'paid', 'carrier', 'shipped_on', 'told'] as const;
    await columns.reduce((made, column) => made.addColumn(column, 'varchar(200)'), table).execute();
  },
  on: {
    OrderCreated: ({ stream, data }, tx) => change(tx, stream, { total: data.total }),
    PaymentAuthorized: ({ stream, data }, tx) => change(tx, stream, { paid: data.amount }),
    OrderShipped: ({ stream, data }, tx) => change(tx, stream, { carrier: data.carrier, shipped_on: data.shipped_on }),
    ShipmentEmailSent: ({ stream, data }, tx) => change(tx, stream, { told: data.customer_email }),
  },
});

const empty = { total: null, paid: null, carrier: null, shipped_on: null, told: null };

/** Changes the row of an order. Events of its payment can come before its own. */
async function change(
  tx: Transaction<ShopTables>,
  stream: string,
  values: Partial<Omit<ShopTables['shipments'], 'order_id'>>,
): Promise<void> {
  await tx
    .insertInto('shipments')
    .values({ order_id: idOf(stream) ?? stream, ...empty, ...values })
    .onConflict((conflict) => conflict.column('order_id').doUpdateSet(values))
    .execute();
}
