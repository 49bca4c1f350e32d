import type { ReadModel } from 'daybook/read-model';
import { sql, type Kysely } from 'kysely';

import { shipments, type ShopTables } from './shipments.ts';

/** A count that somebody writes through a connection of his own, past the transaction. */
interface CountingTables {
  readonly carriers: { readonly carrier: string; readonly parcels: number; readonly _position: bigint };
}

/** A read model that counts without a guard. */
export interface Unguarded {
  readonly model: ReadModel;
  /** Waits until all that it writes beside is written. Gives, by carrier, the first parcel that was counted twice. */
  readonly settled: () => Promise<ReadonlyMap<string, string>>;
}

/**
 * The bug that this drill plants: the parcels of a carrier are counted through a connection of their own, and not within
 * the transaction of the batch. The read model fails once, at its parcel with the number `failsAt`, as one does that a
 * database has chosen as a victim; the batch is rolled back and done again, and its parcels are counted twice.
 */
export function unguarded(own: Kysely<ShopTables>, failsAt: number): Unguarded {
  const counts = own as unknown as Kysely<CountingTables>; // The column is there: every table of a read model has it.
  const writes: Promise<unknown>[] = [];
  const seen = new Set<string>();
  const twice = new Map<string, string>();
  let handled = 0;
  const OrderShipped: ReadModel['on'][string] = async (event, tx) => {
    handled += 1;
    if (handled === failsAt) throw new Error('The transaction was chosen as the victim.');
    const { order_id = '', carrier = '', shipped_on = '' } = event.data as Readonly<Record<string, string>>;
    if (seen.has(event.id) && !twice.has(carrier)) twice.set(carrier, `${event.revision}@${event.stream}`);
    seen.add(event.id);
    writes.push(
      counts.transaction().execute((beside) =>
        beside
          .updateTable('carriers')
          .set({ parcels: sql`parcels + 1`, _position: event.position })
          .where('carrier', '=', carrier)
          .execute(),
      ),
    );
    await tx.updateTable('shipments').set({ carrier, shipped_on }).where('order_id', '=', order_id).execute();
  };
  return {
    model: { ...shipments, on: { ...shipments.on, OrderShipped } },
    settled: async () => {
      await Promise.all(writes);
      return twice;
    },
  };
}
