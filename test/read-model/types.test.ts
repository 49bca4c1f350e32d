import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { category, events } from 'daybook/decider';
import { readModel } from 'daybook/read-model';
import type { Kysely } from 'kysely';
import { z } from 'zod';

interface Tables {
  readonly orders: { readonly order_id: string; readonly total: string };
}

const Order = events('CustomerOrder', { OrderCreated: z.object({ total: z.string() }) });
const migrate = async (db: Kysely<Tables>): Promise<void> => {
  await db.schema.createTable('orders').addColumn('order_id', 'text').addColumn('total', 'text').execute();
};
const common = { from: [category(Order)], migrate } as const;
const tables = { orders: { key: ['order_id'] } } as const;

/** What compiles, and what must not: the compiler reads this file, and stops where an error that is expected is not there. */
describe('the types of a read model', () => {
  it('know the events of its sources and the columns of its tables', () => {
    const model = readModel('orders', {
      ...common,
      tables,
      on: {
        OrderCreated: ({ data }, tx) => tx.insertInto('orders').values({ order_id: '1', total: data.total }).execute(),
      },
    });
    assert.deepEqual(Object.keys(model.on), ['OrderCreated']);
  });

  it('refuse an event that no source has, data that no event has, and a key that no table has', () => {
    const models = [
      // @ts-expect-error There is no such event.
      readModel('a', { ...common, tables, on: { OrderCreatd: () => undefined } }),
      // @ts-expect-error Its data have no such field.
      readModel('b', { ...common, tables, on: { OrderCreated: ({ data }) => data.totl } }),
      // @ts-expect-error The table has no such column.
      readModel('c', { ...common, tables: { orders: { key: ['order_d'] } }, on: {} }),
      readModel('d', {
        ...common,
        tables,
        // @ts-expect-error A row needs all of its columns.
        on: { OrderCreated: (_, tx) => tx.insertInto('orders').values({ order_id: '1' }) },
      }),
    ];
    assert.equal(models.length, 4);
  });

  it('let a plain stream have events of any type, with data that nobody has looked at', () => {
    const model = readModel('plain', {
      from: ['$ce-CustomerOrder'],
      tables,
      migrate,
      on: { OrderCreated: ({ data }: { readonly data: unknown }) => typeof data, Anything: ({ type }) => type.length },
    });
    assert.deepEqual(Object.keys(model.on), ['OrderCreated', 'Anything']);
  });
});
