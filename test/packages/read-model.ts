/**
 * What somebody writes who installed `daybook` and `kysely`. It is type-checked against the packed declarations and run
 * by `scripts/check-packages.mjs`, in a project of its own.
 */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';

import { jsonEvent } from 'daybook';
import { category, events, streamOf, trusted } from 'daybook/decider';
import { openMemoryStore } from 'daybook/memory';
import { nodeSqliteDialect, readModel, runReadModel, verifyReadModel } from 'daybook/read-model';
import { givenTable } from 'daybook/testing/read-model';
import { Kysely } from 'kysely';

const Order = events('Order', { OrderPlaced: trusted<{ total: string }>() });

interface Tables {
  readonly orders: { readonly stream: string; readonly total: string };
}

const orders = readModel('orders', {
  from: [category(Order)],
  tables: { orders: { key: ['stream'] } },
  migrate: async (db: Kysely<Tables>) => {
    const table = db.schema.createTable('orders').addColumn('stream', 'varchar(100)', (column) => column.primaryKey());
    await table.addColumn('total', 'varchar(20)').execute();
  },
  on: {
    OrderPlaced: ({ stream, data }, tx) => tx.insertInto('orders').values({ stream, total: data.total }).execute(),
  },
});

/** What must not compile. Nothing of it runs. */
const mistakes: readonly (() => unknown)[] = [
  () =>
    readModel('orders', {
      from: [category(Order)],
      tables: { orders: { key: ['stream'] } },
      migrate: (db: Kysely<Tables>) => db.destroy(),
      // @ts-expect-error -- No such column.
      on: { OrderPlaced: ({ stream }, tx) => tx.insertInto('orders').values({ stream, sum: '' }).execute() },
    }),
];
assert.equal(mistakes.length, 1);
assert.equal(typeof givenTable, 'function');

await using store = openMemoryStore();
await using db = new Kysely<Tables>({ dialect: nodeSqliteDialect(new DatabaseSync(':memory:')) });
const placed = jsonEvent(Order.OrderPlaced({ total: '12.50' }));
const { position } = await store.append(streamOf(Order, '1'), [placed], { expected: 'no-stream' });
await using run = await runReadModel(store, orders, { db });
await run.reached(position);
const [row] = await db.selectFrom('orders').select(['stream', 'total']).execute();
assert.deepEqual({ ...row }, { stream: 'Order-1', total: '12.50' });
const { drift } = await verifyReadModel(store, orders, { db }).result();
assert.deepEqual(drift, []);
