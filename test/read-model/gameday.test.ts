import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { memoryDatabase, readModel, type ReadModel } from 'daybook/read-model';
import { gameday, givenTable, type GamedayScenario, type GivenEvent } from 'daybook/testing/read-model';
import { sql } from 'kysely';

import { seeded } from './random.ts';
import {
  dataOf,
  emptyShipment,
  shopEvents,
  shopModel,
  shopOptions,
  type ShopHandler,
  type ShopTables,
} from './shop.ts';

// Without payments: the shop's read model looks for the order of a payment, so it depends on the order of the streams.
const inOrders = shopEvents(12, seeded(4)).filter(({ stream }) => stream.startsWith('CustomerOrder-'));
const events: readonly GivenEvent[] = inOrders.map(({ stream, event }) => ({
  stream,
  type: event.type,
  data: JSON.parse(new TextDecoder().decode(event.data)) as unknown,
}));

const options = shopOptions();

/** The shop's read model with another handler of `OrderShipped`. */
function shippingBy(handler: ShopHandler): ReadModel {
  return readModel('shop', { ...options, on: { ...options.on, OrderShipped: handler } });
}

const outside = memoryDatabase<ShopTables>();
let counted = 0;
let lastCarrier = 'none';
const seen = new Set<string>();

const set = (tx: Parameters<ShopHandler>[1], order_id: string, shipped_on: string): Promise<unknown> =>
  tx.updateTable('shipments').set({ shipped_on }).where('order_id', '=', order_id).execute();

/** Bugs that people write, and the scenario that shows each. */
const bugs: readonly { readonly bug: string; readonly shows: GamedayScenario; readonly handler: ShopHandler }[] = [
  {
    bug: 'reads the clock',
    shows: 'again',
    handler: (event, tx) => set(tx, dataOf(event).order_id, String(process.hrtime.bigint())),
  },
  {
    bug: 'draws a random number',
    shows: 'again',
    handler: (event, tx) => set(tx, dataOf(event).order_id, crypto.randomUUID()),
  },
  {
    bug: 'counts in a variable',
    shows: 'again',
    handler: (event, tx) => {
      counted += 1;
      return set(tx, dataOf(event).order_id, String(counted));
    },
  },
  {
    bug: 'remembers the event before in a variable',
    shows: 'again',
    handler: async (event, tx) => {
      const { order_id, carrier } = dataOf(event);
      await set(tx, order_id, lastCarrier);
      lastCarrier = `${carrier} ${order_id}`;
    },
  },
  {
    bug: 'skips what it has seen, and forgets that it was rolled back',
    shows: 'again',
    handler: async (event, tx) => {
      if (seen.has(event.id)) return;
      seen.add(event.id);
      await set(tx, dataOf(event).order_id, seen.size > 3 ? 'late' : 'early');
    },
  },
  {
    bug: 'swallows an error',
    shows: 'fail-at-statement',
    handler: (event, tx) => set(tx, dataOf(event).order_id, 'shipped').catch(() => {}),
  },
  {
    bug: 'numbers the orders of all streams',
    shows: 'other-order',
    handler: (event, tx) =>
      tx
        .updateTable('shipments')
        .set({ shipped_on: sql`(SELECT CAST(COALESCE(SUM(parcels), 0) AS TEXT) FROM ${sql.table('carriers')})` })
        .where('order_id', '=', dataOf(event).order_id)
        .execute()
        .then(() => options.on.OrderShipped({ ...event, data: { ...dataOf(event), order_id: 'nobody' } }, tx)),
  },
  {
    bug: 'keeps only the last order of each carrier',
    shows: 'other-order',
    handler: async (event, tx) => {
      const { order_id, carrier } = dataOf(event);
      await tx.deleteFrom('shipments').where('carrier', '=', carrier).execute();
      await tx.updateTable('shipments').set({ carrier }).where('order_id', '=', order_id).execute();
    },
  },
];

describe('gameday', () => {
  it('B10 finds nothing wrong in a read model that depends on nothing but its events; where it counts, it is fragile', async () => {
    const findings = await gameday(shopModel(), { events });
    assert.deepEqual(
      findings.map(({ scenario, verdict }) => [scenario, verdict]),
      [['twice', 'fragile']],
    );
  });

  it('B10 ends a run at statements all over it, not only at the first, when there are more than it may', async () => {
    const late = BigInt(Math.floor((events.length * 2) / 3));
    const model = shippingBy(async (event, tx) => {
      const shipped = set(tx, dataOf(event).order_id, 'shipped');
      await (event.position > late ? shipped.catch(() => {}) : shipped);
    });
    const [finding] = await gameday(model, { events, failuresAtMost: 20, scenarios: ['fail-at-statement'] });
    assert.equal(finding?.row?.table, 'shipments');
  });

  it('B10 plays orders in which streams take turns, not only one stream after the other', async () => {
    const on: Readonly<Record<string, ShopHandler>> = {
      AwaitingShipment: async (event, tx) => {
        await tx.deleteFrom('carriers').execute();
        await tx.insertInto('carriers').values({ carrier: event.stream, parcels: 0 }).execute();
        await tx
          .insertInto('shipments')
          .values(emptyShipment(dataOf(event).order_id))
          .execute();
      },
      OrderShipped: async (event, tx) => {
        const last = await tx.selectFrom('carriers').select('carrier').executeTakeFirst();
        await set(tx, dataOf(event).order_id, last?.carrier === event.stream ? 'at once' : 'later');
        await tx.deleteFrom('carriers').execute();
      },
    };
    const two = ['1', '2'].flatMap((id) =>
      ['AwaitingShipment', 'OrderShipped'].map((type) => ({
        stream: `CustomerOrder-${id}`,
        type,
        data: { order_id: id, carrier: 'ups', shipped_on: 'today' },
      })),
    );
    const model = readModel('shop', { ...options, on });
    const played = { events: two, scenarios: ['other-order'] } as const;
    assert.equal((await gameday(model, { ...played, orders: 2 })).length, 0, 'one stream after the other');
    const [finding] = await gameday(model, played);
    assert.equal(finding?.scenario, 'other-order');
    assert.equal(finding.row?.table, 'shipments');
  });

  it('B10 finds that a payment is lost when it comes before its order', async () => {
    const all = shopEvents(12, seeded(4)).map(({ stream, event }) => ({
      stream,
      type: event.type,
      data: JSON.parse(new TextDecoder().decode(event.data)) as unknown,
    }));
    const [finding] = await gameday(shopModel(), { events: all });
    assert.equal(finding?.scenario, 'other-order');
  });

  for (const { bug, shows, handler } of bugs) {
    it(`B10 finds a handler that ${bug}`, async () => {
      const findings = await gameday(shippingBy(handler), { events });
      assert.ok(
        findings.some(({ scenario }) => scenario === shows),
        JSON.stringify(findings),
      );
    });
  }

  it('B10 finds a handler that counts without a guard: it is fragile where an event is given twice', async () => {
    const scenarios = ['twice'] as const;
    const [finding] = await gameday(shopModel(), { events, scenarios });
    assert.equal(finding?.scenario, 'twice');
    assert.equal(finding.verdict, 'fragile');
    const { order_id: id } = finding?.row?.key ?? {};
    assert.deepEqual(finding?.event, { type: 'AwaitingShipment', stream: `CustomerOrder-${String(id)}`, revision: 0 });
    assert.match(finding?.message ?? '', /counts, or adds, without looking whether it has seen the event/);
    const clearing = readModel('shop', {
      ...options,
      on: {
        OrderShipped: (event, tx) => tx.deleteFrom('carriers').where('carrier', '=', dataOf(event).carrier).execute(),
      },
    });
    assert.deepEqual(await gameday(clearing, { events, scenarios }), []);
  });

  it('B10 names the row that came out differently, and an event that wrote it when a handler remembers too much', async () => {
    const third = inOrders.filter(({ event }) => event.type === 'OrderShipped')[2];
    let shipped = 0;
    const model = shippingBy((event, tx) => {
      shipped += 1;
      const isLate = event.stream === third?.stream && shipped > 3; // Not the first time.
      return set(tx, dataOf(event).order_id, isLate ? 'late' : 'early');
    });
    const [finding] = await gameday(model, { events, scenarios: ['again'] });
    assert.equal(finding?.row?.table, 'shipments');
    assert.equal(`CustomerOrder-${String(finding?.row?.key['order_id'])}`, third?.stream);
    assert.equal(finding?.event?.stream, third?.stream);
  });

  it('B10 finds a handler that writes outside of its transaction', async () => {
    await options.migrate(outside);
    let count = 0;
    const model = shippingBy(async (event, tx) => {
      count += 1;
      await outside
        .insertInto('shipments')
        .values(emptyShipment(`${count}`))
        .execute();
      const { rows } = await outside
        .selectFrom('shipments')
        .select((eb) => eb.fn.countAll().as('rows'))
        .executeTakeFirstOrThrow();
      await set(tx, dataOf(event).order_id, String(rows));
    });
    const findings = await gameday(model, { events });
    assert.ok(findings.length > 0);
    await outside.destroy();
  });
});

describe('givenTable', () => {
  const shipped: GivenEvent = {
    stream: 'CustomerOrder-1',
    type: 'OrderShipped',
    data: { order_id: '1', carrier: 'ups', shipped_on: 'today' },
  };
  const waiting: GivenEvent = { stream: 'CustomerOrder-1', type: 'AwaitingShipment', data: { order_id: '1' } };

  it('compares the rows that events make', async () => {
    const row = { ...emptyShipment('1'), carrier: 'ups', shipped_on: 'today', changes: 2 };
    await givenTable(shopModel(), [waiting, shipped]).then({
      shipments: [row],
      carriers: [{ carrier: 'ups', parcels: 1 }],
    });
    await givenTable(shopModel(), []).then({ shipments: [] });
  });

  it('shows the row that is another', async () => {
    await assert.rejects(
      givenTable(shopModel(), [waiting]).then({ shipments: [emptyShipment('1')] }),
      /The table shipments holds .*changes: 1.*; expected was .*changes: 0/s,
    );
  });
});
