/**
 * A service as a test of `daybook gameday` needs it: a read model that is right, and some that are wrong in ways
 * that show only when something happens.
 */
import type { DecodedEvent } from 'daybook';
import { memoryDatabase, readModel, type Handler, type ReadModel } from 'daybook/read-model';
import type { Kysely } from 'kysely';

interface Tables {
  readonly parcels: { readonly stream: string; readonly carrier: string | null };
}

const carrierOf = (event: DecodedEvent): string => (event.data as { readonly carrier: string }).carrier;

/** Puts the carrier of an order into its row, whether or not the row is there. */
const put: Handler<DecodedEvent, Tables> = (event, tx) => putAs(event, tx, carrierOf(event));

function putAs(event: DecodedEvent, tx: Parameters<typeof put>[1], carrier: string): Promise<unknown> {
  return tx
    .insertInto('parcels')
    .values({ stream: event.stream, carrier })
    .onConflict((conflict) => conflict.column('stream').doUpdateSet({ carrier }))
    .execute();
}

function parcels(name: string, shipped: Handler<DecodedEvent, Tables>): ReadModel {
  return readModel(name, {
    from: ['$ce-CustomerOrder'],
    tables: { parcels: { key: ['stream'] } },
    migrate: async (db: Kysely<Tables>) => {
      await db.schema
        .createTable('parcels')
        .addColumn('stream', 'varchar(100)', (column) => column.primaryKey())
        .addColumn('carrier', 'varchar(100)')
        .execute();
    },
    on: { AwaitingShipment: (event, tx) => putAs(event, tx, 'none'), OrderShipped: shipped },
  });
}

/** It says that an event is handled, and writes it with the next one: what a process holds is gone with it. */
let held: DecodedEvent | undefined;
const late: Handler<DecodedEvent, Tables> = async (event, tx) => {
  if (held !== undefined) await put(held, tx);
  held = event;
};

export const readModels: readonly { readonly model: ReadModel; readonly db: () => Kysely<Tables> }[] = [
  parcels('right', put),
  parcels('late', late),
  parcels('local', (event, tx) => putAs(event, tx, new Date(event.created).toLocaleString())),
  parcels('dated', (event, tx) => putAs(event, tx, new Date().toISOString().slice(0, 10))),
  parcels('hasty', (event, tx) => void put(event, tx)),
].map((model) => ({ model, db: () => memoryDatabase<Tables>() }));
