import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { type } from 'arktype';
import { jsonEvent } from 'daybook';
import { consumer, runConsumer } from 'daybook/consumer';
import {
  category,
  command,
  events,
  handle,
  load,
  streamOf,
  view,
  type InputOf,
  type OutputOf,
  type StandardSchema,
} from 'daybook/decider';
import { openMemoryStore } from 'daybook/memory';
import * as v from 'valibot';
import { z } from 'zod';

/** What is stored. */
interface Stored {
  readonly carrier: string;
  readonly at: string;
}

/** What the schema makes of it. */
interface Shipped {
  readonly carrier: string;
  readonly at: Date;
}

/** The same two schemas by each library. Each compiles only if its types say what it takes and what it gives. */
const libraries: readonly {
  readonly name: string;
  readonly shipped: StandardSchema<Stored, Shipped>;
  readonly input: StandardSchema<{ readonly carrier: string }>;
}[] = [
  {
    name: 'zod',
    shipped: z.object({ carrier: z.string(), at: z.iso.datetime().transform((text) => new Date(text)) }),
    input: z.object({ carrier: z.string() }),
  },
  {
    name: 'valibot',
    shipped: v.object({
      carrier: v.string(),
      at: v.pipe(
        v.string(),
        v.isoTimestamp(),
        v.transform((text) => new Date(text)),
      ),
    }),
    input: v.object({ carrier: v.string() }),
  },
  {
    name: 'arktype',
    shipped: type({ carrier: 'string', at: 'string.date.iso.parse' }),
    input: type({ carrier: 'string' }),
  },
];

const at = '2016-08-08T22:10:00.000Z';

/** The same type, and no other. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- The way to compare two types.
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

describe('any Standard Schema', () => {
  for (const { name, shipped, input } of libraries) {
    it(`${name} judges events that are made, commands that are given and events that are read`, async () => {
      await using store = openMemoryStore();
      const Order = events('Order', { OrderShipped: shipped }, { onRead: 'strict' });
      const status = view(Order, {
        initial: () => ({ carrier: '', year: 0 }),
        evolve: { OrderShipped: (_, { data }) => ({ carrier: data.carrier, year: data.at.getUTCFullYear() }) },
      });
      const ship = command(status, input, ({ carrier }) => [Order.OrderShipped({ carrier, at })]);

      assert.throws(() => Order.OrderShipped({ carrier: 'fedex', at: 'yesterday' }), {
        code: 'invalid-event-data',
        message: /at: /,
      });
      const wrong = { carrier: 7 } as never; // The compiler would not let it through.
      const refused = handle(store, ship, '1', wrong, { commandId: crypto.randomUUID() });
      await assert.rejects(refused, { code: 'invalid-command-input', message: /carrier/ });

      await handle(store, ship, '1', { carrier: 'fedex' }, { commandId: crypto.randomUUID() });
      assert.deepEqual((await load(store, status, '1')).state, { carrier: 'fedex', year: 2016 });

      const read: Shipped[] = [];
      const reading = consumer('Reading', {
        from: category(Order),
        startAt: 'beginning',
        retry: { attempts: 1, then: 'park-stream' },
        handle: ({ data }) => void read.push(data),
      });
      const broken = jsonEvent({ type: 'OrderShipped', data: { carrier: 'fedex', at: 'yesterday' } });
      const { position } = await store.append(streamOf(Order, '2'), [broken], { expected: 'no-stream' });
      await using run = await runConsumer(store, reading);
      await run.reached(position, { timeoutMs: 30_000 });
      assert.deepEqual(read, [{ carrier: 'fedex', at: new Date(at) }]);
    });
  }

  it('says by its types what it takes and what it gives, whichever library it is of', () => {
    const of = {
      valibot: v.object({ n: v.pipe(v.string(), v.transform(Number)) }),
      arktype: type({ n: 'string.numeric.parse' }),
    };
    const isSame: [
      Same<InputOf<typeof of.valibot>, { n: string }>,
      Same<OutputOf<typeof of.valibot>, { n: number }>,
      Same<InputOf<typeof of.arktype>, { n: string }>,
      Same<OutputOf<typeof of.arktype>, { n: number }>,
    ] = [true, true, true, true];
    assert.equal(isSame.length, 4);
  });
});
