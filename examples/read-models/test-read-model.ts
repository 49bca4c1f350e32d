/** A test of a read model: given these events, its tables are these. Without a store, a server or a database of yours. */
import { category, events, trusted } from 'daybook/decider';
import { readModel } from 'daybook/read-model';
import { givenTable } from 'daybook/testing/read-model';
import type { Kysely } from 'kysely';

const Order = events('CustomerOrder', { OrderShipped: trusted<{ carrier: string }>() });

interface Tables {
  readonly shipments: { readonly stream: string; readonly carrier: string };
}

const shipments = readModel('shipments', {
  from: [category(Order)],
  tables: { shipments: { key: ['stream'] } },
  migrate: async (db: Kysely<Tables>) => {
    const table = db.schema
      .createTable('shipments')
      .addColumn('stream', 'varchar(100)', (column) => column.primaryKey());
    await table.addColumn('carrier', 'varchar(20)').execute();
  },
  on: {
    OrderShipped: ({ stream, data }, tx) =>
      tx.insertInto('shipments').values({ stream, carrier: data.carrier }).execute(),
  },
});

const shipped = { stream: 'CustomerOrder-123456789', type: 'OrderShipped', data: { carrier: 'fedex' } };

await givenTable(shipments, [shipped]).then({
  shipments: [{ stream: 'CustomerOrder-123456789', carrier: 'fedex' }],
});

try {
  await givenTable(shipments, [shipped]).then({ shipments: [] });
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
}
