import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { events, InvalidCategory, InvalidEventData, streamOf, trusted, type StandardSchema } from 'daybook/decider';
import { goldenSample } from 'daybook/testing';
import { z } from 'zod';

import { heard } from './support/heard.ts';

const Order = events('CustomerOrder', {
  AwaitingShipment: z.object({ scanned_on: z.string(), scanned_by: z.string(), dock: z.string() }),
  OrderShipped: z.object({ carrier: z.string(), weight: z.number().optional() }),
});

const isText = (value: unknown): { value: string } | { issues: [{ message: string }] } =>
  typeof value === 'string' ? { value } : { issues: [{ message: 'no text' }] };

describe('events', () => {
  it('A-E4, A-E7: are made of a type and the facts of that event, whose values keep their types', () => {
    const data = { scanned_on: '2016-08-08T20:05:00.0000000Z', scanned_by: 'thor.odinson@jet.com', dock: '12' };
    const event = Order.AwaitingShipment(data);
    assert.deepEqual(event, { type: 'AwaitingShipment', data });
    assert.equal(JSON.stringify(event.data), goldenSample[0].json);
  });

  it('are refused when their data do not fit the schema, with what is wrong and where', () => {
    assert.throws(
      // @ts-expect-error -- A number is no carrier.
      () => Order.OrderShipped({ carrier: 7 }),
      (error) => {
        assert.ok(error instanceof InvalidEventData);
        assert.equal(error.code, 'invalid-event-data');
        assert.equal(error.type, 'OrderShipped');
        assert.match(error.message, /^The data of OrderShipped are not what its schema asks for: carrier: .*string/);
        assert.deepEqual(error.issues[0]?.path, ['carrier']);
        return true;
      },
    );
  });

  it('are judged as a reader will see them: what JSON loses or has not is refused', () => {
    assert.throws(() => Order.OrderShipped({ carrier: 'fedex', weight: NaN }), { code: 'invalid-event-data' });
    const Dated = events('Dated', { TimeNoted: z.object({ at: z.date() }), AnythingNoted: trusted<unknown>() });
    assert.throws(() => Dated.TimeNoted({ at: new Date(0) }), /at: .*date/);
    const loop: { self?: unknown } = {};
    loop.self = loop;
    for (const data of [undefined, () => 1, 1n, loop]) {
      assert.throws(() => Dated.AnythingNoted(data), { code: 'invalid-event-data' });
    }
  });

  it('hold what was given, not what the schema makes of it', () => {
    const Trimmed = events('Trimmed', { NameChosen: z.object({ name: z.string().trim().default('nobody') }) });
    assert.deepEqual(Trimmed.NameChosen({ name: ' ann ' }).data, { name: ' ann ' });
    assert.deepEqual(Trimmed.NameChosen({}).data, {});
  });

  it('do not change when the caller changes what was given', () => {
    const given = { carrier: 'fedex' };
    const event = Order.OrderShipped(given);
    given.carrier = 'dhl';
    assert.equal(event.data.carrier, 'fedex');
  });

  it('A-S2: refuse a category with a hyphen, and what else cannot be one', () => {
    for (const category of ['Customer-Order', '-', '', '$ce', '\uD800']) {
      assert.throws(() => events(category, { ThingHappened: trusted<object>() }), /is not a (?:category|stream name)/);
    }
    assert.throws(
      () => events('Customer-Order', { ThingHappened: trusted<object>() }),
      (error) => error instanceof InvalidCategory && error.code === 'invalid-category' && /hyphen/.test(error.reason),
    );
  });

  it('refuse a type that the definition itself needs the name of', () => {
    for (const type of ['category', 'schemas', 'options', 'warnings', '']) {
      assert.throws(() => events('A', { [type]: trusted<object>() }), { code: 'invalid-option' });
    }
    assert.throws(() => events('A', {}), { code: 'invalid-option' });
  });

  it('refuse old names that are still declared, or lead nowhere', () => {
    const schemas = { ThingMoved: trusted<object>(), ThingSold: trusted<object>() };
    assert.throws(() => events('A', schemas, { renamed: { ThingSold: 'ThingMoved' } }), /ThingSold is still declared/);
    // @ts-expect-error -- There is no such type.
    assert.throws(() => events('A', schemas, { renamed: { Old: 'ThingGone' } }), /ThingGone, which is not declared/);
  });

  it('have types that no object has by itself, whatever they are called', () => {
    const Odd = events(
      'Odd',
      { hasOwnProperty: trusted<number>(), constructor: trusted<number>() },
      { allowNames: 'any' },
    );
    assert.deepEqual(
      [Odd.hasOwnProperty(1), Odd.constructor(2)].map(({ data }) => data),
      [1, 2],
    );
  });

  it('with a schema that takes its time are made at once, and a promise that fails harms nobody', async () => {
    const slow: StandardSchema<string> = {
      '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('the other side is down')) },
    };
    assert.deepEqual(events('Slow', { WordSaid: slow }).WordSaid('a'), { type: 'WordSaid', data: 'a' });
    await new Promise(setImmediate);
  });

  it('take a schema that is a function with properties, as some libraries make them', () => {
    const schema: StandardSchema<string> = Object.assign(() => 'called', {
      '~standard': { version: 1 as const, vendor: 'test', validate: isText },
    });
    const Word = events('Word', { WordSaid: schema });
    assert.deepEqual(Word.WordSaid('a').data, 'a');
    // @ts-expect-error -- No text.
    assert.throws(() => Word.WordSaid(7), /no text/);
  });

  it('A-S1, A-S3: stand in the stream of their category and an id, which may have hyphens of its own', () => {
    assert.equal(streamOf(Order, '123456789'), 'CustomerOrder-123456789');
    assert.equal(streamOf(Order, '7d4cafa4-5a07'), 'CustomerOrder-7d4cafa4-5a07');
    assert.throws(() => streamOf(Order, ''), { code: 'invalid-option' });
  });
});

describe('a declaration', () => {
  it('A-E2: warns of a name that does not say that something happened, and is valid all the same', () => {
    const published = heard(() => {
      const Named = events('Named', { ShipOrder: trusted<object>(), OrderShipped: trusted<object>() });
      assert.deepEqual(
        Named.warnings.map(({ code, facts }) => ({ code, facts })),
        [{ code: 'event-name', facts: { category: 'Named', type: 'ShipOrder' } }],
      );
      assert.match(Named.warnings[0]?.message ?? '', /^ShipOrder of Named does not say that something happened/);
      assert.deepEqual(Named.ShipOrder({}), { type: 'ShipOrder', data: {} });
    });
    assert.deepEqual(
      published.map(({ facts }) => facts),
      [{ category: 'Named', type: 'ShipOrder' }],
    );
  });

  it('does not warn of a name that was allowed', () => {
    const schemas = { AwaitingShipment: trusted<object>(), ShipOrder: trusted<object>() };
    const typesOf = (allowNames: 'any' | readonly ('AwaitingShipment' | 'ShipOrder')[]): readonly unknown[] =>
      events('Named', schemas, { allowNames }).warnings.map(({ facts }) => facts['type']);
    assert.deepEqual(typesOf(['AwaitingShipment']), ['ShipOrder']);
    assert.deepEqual(typesOf('any'), []);
  });
});
