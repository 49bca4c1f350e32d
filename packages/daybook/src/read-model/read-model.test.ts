import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { category, events } from 'daybook/decider';
import type { Kysely } from 'kysely';
import { z } from 'zod';

import { readModel } from './read-model.ts';

const Order = events('CustomerOrder', {
  OrderShipped: z.object({ carrier: z.string() }),
  OrderPaid: z.object({ amount: z.number() }),
});

interface Tables {
  readonly shipments: { readonly id: string; readonly carrier: string; readonly paid: number };
}

async function migrate(db: Kysely<Tables>): Promise<void> {
  await db.schema.createTable('shipments').execute();
}

const tables = { shipments: { key: ['id'] } } as const;
const plain = { from: ['$ce-CustomerOrder'], tables, migrate, on: {} };

const refused = (change: () => unknown): void => assert.throws(change, { code: 'invalid-read-model' });

describe('the definition of a read model', () => {
  it('gives handlers the events of its sources and the columns of its tables, and nothing else compiles', () => {
    const model = readModel('shipments', {
      from: [category(Order)],
      tables,
      migrate,
      on: {
        OrderShipped: ({ stream: id, data }, tx) =>
          tx.insertInto('shipments').values({ id, carrier: data.carrier, paid: 0 }).execute(),
        OrderPaid: ({ stream, data }, tx) =>
          tx.updateTable('shipments').set({ paid: data.amount }).where('id', '=', stream).execute(),
      },
    });
    assert.deepEqual(Object.keys(model.on), ['OrderShipped', 'OrderPaid']);
    // @ts-expect-error -- No such event.
    readModel('shipments', { from: [category(Order)], tables, migrate, on: { OrderLost: () => {} } });
    // @ts-expect-error -- No such column.
    readModel('shipments', { from: [category(Order)], tables: { shipments: { key: ['ids'] } }, migrate, on: {} });
    // @ts-expect-error -- A table without a key.
    assert.throws(() => readModel('shipments', { from: [category(Order)], tables: {}, migrate, on: {} }));
    readModel('shipments', {
      from: [category(Order)],
      tables,
      migrate,
      on: {
        OrderPaid: ({ data }, tx) =>
          // @ts-expect-error -- The carrier is text.
          tx.updateTable('shipments').set({ carrier: data.amount }).execute(),
      },
    });
  });

  it('is refused when it cannot be', () => {
    refused(() => readModel('', plain));
    refused(() => readModel('two words', plain));
    refused(() => readModel('shipments', { ...plain, from: [] }));
    refused(() => readModel('shipments', { ...plain, from: ['$ce-A', '$ce-A'] }));
    refused(() => readModel('shipments', { ...plain, tables: { shipments: { key: [] } } }));
    refused(() => readModel('shipments', { ...plain, tables: { 'drop table': { key: ['id'] } } as never }));
  });

  it('has another digest when a handler, the tables or the version change', () => {
    const digests = [
      readModel('shipments', plain),
      readModel('shipments', { ...plain, on: { OrderShipped: () => {} } }),
      readModel('shipments', { ...plain, on: { OrderShipped: () => 1 } }),
      readModel('shipments', { ...plain, version: '2' }),
      readModel('shipments', { ...plain, tables: { shipments: { key: ['id', 'carrier'] } } }),
    ].map(({ code }) => code);
    assert.equal(new Set(digests).size, digests.length);
    assert.equal(readModel('other', plain).code, digests[0]);
  });
});
