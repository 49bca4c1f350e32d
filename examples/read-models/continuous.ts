/** A read model that is compared with its log for as long as it runs. Somebody changes a row, and a watch says so. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { jsonEvent, streamName } from 'daybook';
import { watchConsumers } from 'daybook/consumer';
import { openMemoryStore } from 'daybook/memory';
import {
  expectReadModel,
  nodeSqliteDialect,
  readModel,
  repairReadModel,
  runReadModel,
  verifyContinuously,
} from 'daybook/read-model';
import { Kysely } from 'kysely';

interface ShopTables {
  readonly shipments: { readonly stream: string; readonly carrier: string | null };
}

const shipments = readModel('shipments', {
  from: ['$ce-CustomerOrder'],
  tables: { shipments: { key: ['stream'] } },
  migrate: async (db: Kysely<ShopTables>) => {
    await db.schema
      .createTable('shipments')
      .addColumn('stream', 'varchar(100)', (column) => column.primaryKey())
      .addColumn('carrier', 'varchar(20)')
      .execute();
  },
  on: {
    AwaitingShipment: ({ stream }, tx) => tx.insertInto('shipments').values({ stream, carrier: null }).execute(),
    OrderShipped: ({ stream, data }, tx) =>
      tx
        .updateTable('shipments')
        .set({ carrier: (data as { carrier: string }).carrier })
        .where('stream', '=', stream)
        .execute(),
  },
});

const folder = mkdtempSync(join(tmpdir(), 'daybook-example-'));
const connect = (): Kysely<ShopTables> => {
  const database = new DatabaseSync(join(folder, 'shop.db'));
  database.exec('PRAGMA journal_mode = WAL');
  return new Kysely({ dialect: nodeSqliteDialect(database) });
};
const db = connect();
const beside = connect();
await using store = openMemoryStore();
const run = await runReadModel(store, shipments, { db });
const order = streamName('CustomerOrder-123456789');
const happened = [
  jsonEvent({ type: 'AwaitingShipment', data: { dock: '12' } }),
  jsonEvent({ type: 'OrderShipped', data: { carrier: 'fedex' } }),
];
const appended = await store.append(order, happened, { expected: 'no-stream' });
await run.reached(appended.position);

const everyMs = 10; // A minute is enough where people work.
const stopping = new AbortController();
const { signal } = stopping;
const reason = { who: 'ann', why: 'somebody changed the table by hand' };
const watch = watchConsumers(store, { expect: [expectReadModel(shipments, { db })] });
let round = 0;
for await (const step of verifyContinuously(store, shipments, { db: beside, everyMs, share: 0.001, signal })) {
  if (step.phase !== 'round') continue; // How far a long one is.
  console.log(`${step.verifiedRows} of ${step.rows} rows are as they should be, ${step.differing} differ`);
  round += 1;
  if (round === 1) await db.updateTable('shipments').set({ carrier: 'pigeon' }).execute(); // Somebody knows better.
  if (round === 2) {
    const { firing } = await watch.look();
    for (const { rule, summary } of firing) console.log(`${rule}: ${summary}`);
    await repairReadModel(store, shipments, { db: beside, reason }).result();
  }
  if (round === 3) stopping.abort();
}

await watch[Symbol.asyncDispose]();
await run[Symbol.asyncDispose]();
await db.destroy();
await beside.destroy();
rmSync(folder, { recursive: true });
