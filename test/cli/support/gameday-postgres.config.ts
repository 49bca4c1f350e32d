/** A read model that needs PostgreSQL, with an empty database for a game day at `SCRATCH_DATABASE`. */
import type { DecodedEvent } from 'daybook';
import { readModel, type ReadModel } from 'daybook/read-model';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';

interface Tables {
  readonly carriers: { readonly id: string; readonly name: string };
  readonly parcels: { readonly stream: string; readonly carrier: string | null; readonly facts: string };
}

const carrierOf = (event: DecodedEvent): string => (event.data as { readonly carrier: string }).carrier;

/** One table refers to the other, has a column of PostgreSQL's own, and one that it counts by itself. */
const parcels = readModel('parcels', {
  from: ['$ce-CustomerOrder'],
  tables: { parcels: { key: ['stream'] }, carriers: { key: ['id'] } },
  migrate: async (db: Kysely<Tables>) => {
    await db.schema
      .createTable('carriers')
      .addColumn('id', 'varchar(40)', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('parcels')
      .addColumn('stream', 'varchar(100)', (column) => column.primaryKey())
      .addColumn('carrier', 'varchar(40)', (column) => column.references('carriers.id'))
      .addColumn('facts', 'jsonb', (column) => column.notNull())
      .execute();
  },
  on: {
    AwaitingShipment: ({ stream, data }, tx) =>
      tx
        .insertInto('parcels')
        .values({ stream, carrier: null, facts: JSON.stringify(data) })
        .onConflict((conflict) => conflict.column('stream').doNothing())
        .execute(),
    OrderShipped: async (event, tx) => {
      const id = carrierOf(event);
      await tx
        .insertInto('carriers')
        .values({ id, name: id.toUpperCase() })
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute();
      await tx.updateTable('parcels').set({ carrier: id }).where('stream', '=', event.stream).execute();
    },
  },
});

function open(): Kysely<Tables> {
  const pool = new Pool({ connectionString: process.env['SCRATCH_DATABASE'], max: 4 });
  pool.on('error', () => {}); // An idle connection that was cut: the next query says so.
  pool.on('connect', (client) => client.on('error', () => {}));
  return new Kysely({ dialect: new PostgresDialect({ pool }) });
}

export const readModels: readonly {
  readonly model: ReadModel;
  readonly db: () => never;
  readonly scratch: () => Kysely<Tables>;
}[] = [
  {
    model: parcels,
    db: () => {
      throw new Error('A game day must not open the database of a service.');
    },
    scratch: open,
  },
];
