import { type DecodedEvent } from 'daybook';
import { readModel, type ReadModel } from 'daybook/read-model';
import { sql, type Kysely } from 'kysely';

/** What the shop's people look at. */
export interface ShopTables {
  readonly shipments: {
    readonly order_id: string;
    readonly carrier: string | null;
    readonly shipped_on: string | null;
    readonly mails: number;
  };
  readonly carriers: { readonly carrier: string; readonly parcels: number };
}

/** Makes the tables. */
async function migrate(db: Kysely<ShopTables>): Promise<void> {
  await db.schema
    .createTable('shipments')
    .addColumn('order_id', 'varchar(40)', (column) => column.primaryKey())
    .addColumn('carrier', 'varchar(40)')
    .addColumn('shipped_on', 'varchar(40)')
    .addColumn('mails', 'integer', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('carriers')
    .addColumn('carrier', 'varchar(40)', (column) => column.primaryKey())
    .addColumn('parcels', 'integer', (column) => column.notNull())
    .execute();
}

/** The data of an event: they were written by this drill. */
function dataOf(event: DecodedEvent): Readonly<Record<string, string>> {
  return event.data as Readonly<Record<string, string>>;
}

/** One row for each order, and one for each carrier. It counts, as people do, without looking whether it has already. */
export const shipments: ReadModel = readModel('shipments', {
  from: ['$ce-CustomerOrder'],
  tables: { shipments: { key: ['order_id'] }, carriers: { key: ['carrier'] } },
  migrate,
  on: {
    AwaitingShipment: (event, tx) =>
      tx
        .insertInto('shipments')
        .values({ order_id: dataOf(event)['order_id'] ?? '', carrier: null, shipped_on: null, mails: 0 })
        .onConflict((conflict) => conflict.column('order_id').doNothing())
        .execute(),
    OrderShipped: async (event, tx) => {
      const { order_id = '', carrier = '', shipped_on = '' } = dataOf(event);
      // Neither needs the answer to the other, so both are on their way at once.
      await Promise.all([
        tx.updateTable('shipments').set({ carrier, shipped_on }).where('order_id', '=', order_id).execute(),
        tx
          .insertInto('carriers')
          .values({ carrier, parcels: 1 })
          .onConflict((conflict) =>
            conflict.column('carrier').doUpdateSet({ parcels: sql`${sql.ref('carriers.parcels')} + 1` }),
          )
          .execute(),
      ]);
    },
    ShipmentEmailSent: (event, tx) =>
      tx
        .updateTable('shipments')
        .set({ mails: sql`mails + 1` })
        .where('order_id', '=', dataOf(event)['order_id'] ?? '')
        .execute(),
  },
});
