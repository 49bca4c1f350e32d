/** Two read models that look alike. One of them depends on more than its events, and a game day says so. */
import { readModel, type Handler, type ReadModel } from 'daybook/read-model';
import { gameday } from 'daybook/testing/read-model';
import type { Kysely } from 'kysely';

interface Tables {
  readonly orders: { readonly stream: string; readonly state: string };
}

function orders(shipped: Handler<{ readonly stream: string } & object, Tables>): ReadModel {
  return readModel('orders', {
    from: ['$ce-CustomerOrder'],
    tables: { orders: { key: ['stream'] } },
    migrate: async (db: Kysely<Tables>) => {
      const table = db.schema
        .createTable('orders')
        .addColumn('stream', 'varchar(100)', (column) => column.primaryKey());
      await table.addColumn('state', 'varchar(20)').execute();
    },
    on: { OrderShipped: shipped },
  });
}

const events = [1, 2, 3].map((id) => ({ stream: `CustomerOrder-${id}`, type: 'OrderShipped', data: {} }));

const right = orders(({ stream }, tx) =>
  tx
    .insertInto('orders')
    .values({ stream, state: 'shipped' })
    .onConflict((known) => known.doNothing()) // Without it: fragile, when an event is given twice.
    .execute(),
);
console.log(`${(await gameday(right, { events })).length} findings`);

let shippedSoFar = 0;
const wrong = orders(({ stream }, tx) => {
  shippedSoFar += 1;
  return tx
    .insertInto('orders')
    .values({ stream, state: `shipped ${shippedSoFar}` })
    .execute();
});
const [finding] = await gameday(wrong, { events, scenarios: ['again'] });
console.log(`${finding?.scenario}: ${finding?.event?.type} ${finding?.event?.revision}@${finding?.event?.stream}`);
