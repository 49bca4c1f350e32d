import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { jsonEvent, streamName } from 'daybook';
import {
  category,
  events,
  eventType,
  trusted,
  type Events,
  type EventsOptions,
  type StandardSchema,
} from 'daybook/decider';
import { openMemoryStore } from 'daybook/memory';
import { goldenEvents, goldenStream } from 'daybook/testing';
import { z } from 'zod';

import { decodedFrom } from './support/decoded-from.ts';
import { heard, heardDuring } from './support/heard.ts';

const shippedSchema = z.object({ carrier: z.string(), shipped_on: z.string().transform((text) => new Date(text)) });
type Shipped = { readonly OrderShipped: typeof shippedSchema };
const declared = (options?: EventsOptions<Shipped>): Events<Shipped> =>
  events('CustomerOrder', { OrderShipped: shippedSchema }, options);
const Order = declared();

describe('a source of events', () => {
  it('A-E8: gives each event by its name, decoded by the schema of that name, with its place in the log', async () => {
    await using store = openMemoryStore();
    await store.append(streamName(goldenStream), goldenEvents(), { expected: 'no-stream' });
    const [shipped, ...others] = await decodedFrom(store, category(Order));
    assert.deepEqual(others, []);
    assert.equal(shipped?.type, 'OrderShipped');
    assert.deepEqual(shipped?.data, { carrier: 'fedex', shipped_on: new Date('2016-08-08T22:10:00Z') });
    assert.deepEqual([shipped?.stream, shipped?.revision], [goldenStream, 1n]);
    assert.deepEqual(shipped?.link, { stream: '$ce-CustomerOrder', revision: 1n });
    assert.ok(shipped?.created instanceof Date && shipped.metadata instanceof Uint8Array);
  });

  it('of one event type is the derived stream of that type', async () => {
    await using store = openMemoryStore();
    await store.append(streamName(goldenStream), goldenEvents(), { expected: 'no-stream' });
    const source = eventType(Order, 'OrderShipped');
    assert.equal(source.stream, '$et-OrderShipped');
    assert.deepEqual(
      (await decodedFrom(store, source)).map(({ data }) => data.carrier),
      ['fedex'],
    );
  });

  it('A-S6: warns once of an event type that turns up in another category, and gives the event', async () => {
    await using store = openMemoryStore();
    const stray = ['CustomerOrder-1', 'Order-1', 'Order-2'].map((text) => streamName(text));
    for (const stream of stray) {
      const event = jsonEvent({ type: 'OrderShipped', data: { carrier: 'dhl', shipped_on: '2016' } });
      await store.append(stream, [event], { expected: 'no-stream' });
    }
    const source = eventType(Order, 'OrderShipped');
    let given = 0;
    const published = await heardDuring(async () => {
      given = (await decodedFrom(store, source)).length;
    });
    assert.equal(given, 3);
    assert.deepEqual(
      published.map(({ code, facts }) => ({ code, facts })),
      [
        {
          code: 'other-category',
          facts: { stream: 'Order-1', type: 'OrderShipped', declared: 'CustomerOrder', found: 'Order' },
        },
      ],
    );
  });

  it('A-F7: waits for a schema that takes its time', async () => {
    const slow: StandardSchema<string, number> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: async (value) => {
          await Promise.resolve();
          return typeof value === 'string' ? { value: value.length } : { issues: [{ message: 'no text' }] };
        },
      },
    };
    const Slow = events('Slow', { WordSaid: slow });
    await using store = openMemoryStore();
    const said = ['a', 'bcd'].map((data) => jsonEvent({ type: 'WordSaid', data }));
    await store.append(streamName('Slow-1'), said, { expected: 'any' });
    assert.deepEqual(
      (await decodedFrom(store, category(Slow))).map(({ data }) => data),
      [1, 3],
    );
  });
});

describe('a stored event that is not what its schema asks for', () => {
  const wrong = jsonEvent({ type: 'OrderShipped', data: { carrier: 7 } });

  it('is given as it is, with a warning', async () => {
    await using store = openMemoryStore();
    await store.append(streamName('CustomerOrder-1'), [wrong], { expected: 'any' });
    let data: unknown;
    const [warning, ...others] = await heardDuring(async () => {
      data = (await decodedFrom(store, category(Order)))[0]?.data;
    });
    assert.deepEqual(data, { carrier: 7 });
    assert.deepEqual(others, []);
    assert.match(warning?.message ?? '', /^Event 0@CustomerOrder-1 \(OrderShipped\) is not what .*carrier: /);
  });

  it('stops a reader that is strict, and says which event it is', async () => {
    await using store = openMemoryStore();
    await store.append(streamName('CustomerOrder-1'), [wrong], { expected: 'any' });
    await assert.rejects(decodedFrom(store, category(declared({ onRead: 'strict' }))), {
      code: 'stored-event-not-valid',
      stream: 'CustomerOrder-1',
      revision: 0n,
      type: 'OrderShipped',
    });
  });

  it("is nobody's business when nobody looks", async () => {
    await using store = openMemoryStore();
    await store.append(streamName('CustomerOrder-1'), [wrong], { expected: 'any' });
    const published = await heardDuring(async () => {
      const [event] = await decodedFrom(store, category(declared({ onRead: 'off' })));
      assert.deepEqual(event?.data, { carrier: 7 });
    });
    assert.deepEqual(published, []);
  });

  it('is an error of its own when it is not even JSON', async () => {
    await using store = openMemoryStore();
    const bytes = { ...wrong, data: new Uint8Array([0xff]) };
    await store.append(streamName('CustomerOrder-1'), [bytes], { expected: 'any' });
    await assert.rejects(decodedFrom(store, category(Order)), { code: 'event-not-json' });
  });
});

describe('a type that is not declared', () => {
  it("A-F3: is none of the reader's business, whatever it is called and whatever it holds", async () => {
    await using store = openMemoryStore();
    const strange = ['toString', '__proto__', 'constructor', 'OrderShippped'].map((type) => ({
      ...jsonEvent({ type, data: 1 }),
      data: new Uint8Array([0xff]),
    }));
    await store.append(streamName('CustomerOrder-1'), strange, { expected: 'any' });
    assert.deepEqual(await decodedFrom(store, category(Order)), []);
  });

  it('is not made from a prototype either', () => {
    const published = heard(() => events('Own', { ThingHappened: trusted<object>() }));
    assert.deepEqual(published, []);
  });
});
