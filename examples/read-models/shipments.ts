/** A read model: which order was shipped how. Appends a few events, shows the table, breaks it, and puts it right. */
import { DatabaseSync } from 'node:sqlite';

import { streamName } from 'daybook';
import { jsonEvent } from 'daybook';
import { category, events } from 'daybook/decider';
import { openMemoryStore } from 'daybook/memory';
import { nodeSqliteDialect, readModel, repairReadModel, runReadModel, verifyReadModel } from 'daybook/read-model';
import { Kysely } from 'kysely';
import { z } from 'zod';

const Order = events('CustomerOrder', {
  AwaitingShipment: z.object({ dock: z.string() }),
  OrderShipped: z.object({ carrier: z.string() }),
});

interface ShopTables {
  readonly shipments: { readonly stream: string; readonly dock: string; readonly carrier: string | null };
}

const shipments = readModel('shipments', {
  from: [category(Order)],
  tables: { shipments: { key: ['stream'] } },
  migrate: async (db: Kysely<ShopTables>) => {
    await db.schema
      .createTable('shipments')
      .addColumn('stream', 'varchar(100)', (column) => column.primaryKey())
      .addColumn('dock', 'varchar(20)')
      .addColumn('carrier', 'varchar(20)')
      .execute();
  },
  on: {
    AwaitingShipment: ({ stream, data }, tx) =>
      tx.insertInto('shipments').values({ stream, dock: data.dock, carrier: null }).execute(),
    OrderShipped: ({ stream, data }, tx) =>
      tx.updateTable('shipments').set({ carrier: data.carrier }).where('stream', '=', stream).execute(),
  },
});

await using store = openMemoryStore();
const db = new Kysely<ShopTables>({ dialect: nodeSqliteDialect(new DatabaseSync(':memory:')) });

await using run = await runReadModel(store, shipments, { db });
const order = streamName('CustomerOrder-123456789');
const appended = await store.append(
  order,
  [
    jsonEvent({ type: 'AwaitingShipment', data: { dock: '12' } }),
    jsonEvent({ type: 'OrderShipped', data: { carrier: 'fedex' } }),
  ],
  { expected: 'no-stream' },
);
await run.reached(appended.position); // Read your own write.
const [row] = await db.selectFrom('shipments').selectAll().execute();
console.log(`${row?.stream} waits at dock ${row?.dock}, shipped by ${row?.carrier}`);

await db.updateTable('shipments').set({ carrier: 'pigeon' }).execute(); // Somebody knows better.
const { drift } = await verifyReadModel(store, shipments, { db }).result();
for (const { key, class: kind, columns, since } of drift) {
  const [{ column, live, expected } = { column: '', live: '', expected: '' }] = columns;
  console.log(
    `${kind}: ${String(key['stream'])} ${column} is ${String(live)}, and ${String(expected)} since ${since?.type}`,
  );
}

const reason = { who: 'ann', why: 'somebody changed the table by hand' };
const repaired = await repairReadModel(store, shipments, { db, reason }).result();
console.log(`${repaired.rows} row put right`);
