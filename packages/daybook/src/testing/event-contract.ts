import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import { jsonData, jsonEvent, jsonMetadata } from '../store/json-event.ts';
import { categoryOf, idOf, streamName } from '../store/stream-name.ts';
import type { ContractSuite } from './contract-case.ts';
import { all, failure, idsIn, newCategory, newStream, one, read, refused } from './contract-tools.ts';
import { goldenEvents, goldenSample, goldenStream } from './golden-sample.ts';

/** What an event is when it comes back. */
export const eventContract: ContractSuite = {
  name: 'events',
  cases: [
    {
      name: 'A-E1: an event has a stream, a name and a payload, and exactly these come back',
      run: async ({ store }) => {
        const { stream, events } = await golden(store);
        assert.deepEqual(
          events.map((event) => [event.stream, event.type, text(event.data)]),
          goldenSample.map(({ type, json }) => [stream, type, json]),
        );
      },
    },
    {
      name: 'A-E2: an event with the name of a command is stored all the same: names are for a linter to judge',
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, [one('ShipOrder')], { expected: 'no-stream' });
        assert.equal((await read(store, stream))[0]?.type, 'ShipOrder');
      },
    },
    {
      name: 'A-E3: the name of an event is never shortened',
      run: async ({ store }) => {
        const type = `Order${'VeryVeryLong'.repeat(20)}Shipped`;
        const stream = newStream();
        await store.append(stream, [one(type)], { expected: 'no-stream' });
        assert.equal((await read(store, stream))[0]?.type, type);
        assert.equal((await read(store, `$et-${type}`)).at(-1)?.type, type);
        const [event] = await read(store, stream);
        const notJson: RecordedEvent = { ...event!, data: Buffer.from('{') };
        assert.match((await failure(async () => jsonData(notJson))).message, new RegExp(type));
      },
    },
    {
      name: 'A-E4: a payload needs only the facts of its own event',
      run: async ({ store }) => {
        const { events } = await golden(store);
        assert.equal(Reflect.get(Object(jsonData(events[0]!)), 'total'), undefined);
        assert.equal(Reflect.get(Object(jsonData(events[2]!)), 'total'), '100.00');
        const stream = newStream();
        await store.append(stream, [jsonEvent({ type: 'OrderClosed', data: {} })], { expected: 'no-stream' });
        assert.equal(text((await read(store, stream))[0]!.data), '{}');
      },
    },
    {
      name: 'A-E5: who, when and where are in the payload, and a reader can choose by them',
      run: async ({ store }) => {
        const category = newCategory();
        for (const dock of ['12', '13', '12']) {
          const data = { scanned_by: 'thor.odinson@jet.com', scanned_on: '2016-08-08T20:05:00.0000000Z', dock };
          await store.append(newStream(category), [jsonEvent({ type: 'AwaitingShipment', data })], { expected: 'any' });
        }
        const events = await read(store, `$ce-${category}`);
        const atDock12 = events.filter((event) => Reflect.get(Object(jsonData(event)), 'dock') === '12');
        assert.equal(atDock12.length, 2);
      },
    },
    {
      name: 'A-E6: timestamps inside payloads survive byte for byte, seven digits and all',
      run: async ({ store }) => {
        const { events } = await golden(store);
        assert.ok(text(events[0]!.data).includes('"scanned_on":"2016-08-08T20:05:00.0000000Z"'));
        assert.ok(text(events[1]!.data).includes('"shipped_on":"2016-08-08T22:10:00.0000000Z"'));
      },
    },
    {
      name: 'A-E7: values keep their JSON types: "12" and "100.00" stay strings',
      run: async ({ store }) => {
        const { events } = await golden(store);
        assert.equal(Reflect.get(Object(jsonData(events[0]!)), 'dock'), '12');
        assert.equal(Reflect.get(Object(jsonData(events[2]!)), 'total'), '100.00');
      },
    },
    {
      name: 'JSON is kept as it was formatted: spaces, key order, large numbers, repeated keys',
      run: async ({ store }) => {
        const json = '{ "b": 1.0, "a": 12345678901234567890, "a": 1e2,\r\n"text": "\\u00e9" }';
        const event = { ...one('Formatted'), data: new TextEncoder().encode(json) };
        const stream = newStream();
        await store.append(stream, [event], { expected: 'no-stream' });
        assert.equal(text((await read(store, stream))[0]!.data), json);
      },
    },
    {
      name: 'A-E8: an event that is read has a name, which says how to decode, and a payload of bytes',
      run: async ({ store }) => {
        const { events } = await golden(store);
        const decoders: Readonly<Record<string, (bytes: Uint8Array) => string>> = {
          AwaitingShipment: (bytes) => `dock ${Reflect.get(Object(JSON.parse(text(bytes))), 'dock')}`,
          OrderShipped: (bytes) => `by ${Reflect.get(Object(JSON.parse(text(bytes))), 'carrier')}`,
        };
        assert.deepEqual(
          events.slice(0, 2).map(({ type, data }) => decoders[type]?.(data)),
          ['dock 12', 'by fedex'],
        );
        assert.ok(events.every(({ data }) => data instanceof Uint8Array));
      },
    },
    {
      name: 'A-E9: an event to append has an id, a type, the kind of its data, data and metadata, and all come back',
      run: async ({ store }) => {
        const event = {
          id: randomUUID(),
          type: 'OrderShipped',
          contentType: 'application/json',
          data: new TextEncoder().encode('{"carrier":"fedex"}'),
          metadata: new TextEncoder().encode('{"by":"thor"}'),
        } as const;
        const stream = newStream();
        await store.append(stream, [event], { expected: 'no-stream' });
        const [found] = await read(store, stream);
        const { id, type, contentType, data, metadata } = found!;
        assert.deepEqual(
          { id, type, contentType, data: text(data), metadata: text(metadata) },
          { ...event, data: text(event.data), metadata: text(event.metadata) },
        );
        assert.ok(found!.created instanceof Date && Number.isInteger(found!.created.getTime()));
      },
    },
    {
      name: 'A-E10: a payload that is not JSON comes back unchanged',
      run: async ({ store }) => {
        const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);
        const payloads = [everyByte, new Uint8Array(0), Buffer.from('{not JSON'), new Uint8Array(100_000).fill(255)];
        const stream = newStream();
        const events = payloads.map((data) => ({ id: randomUUID(), type: 'Photographed', data, metadata: everyByte }));
        await store.append(stream, events, { expected: 'no-stream' });
        const found = await read(store, stream);
        for (const [index, event] of found.entries()) {
          assert.equal(event.contentType, 'application/octet-stream');
          assert.equal(Buffer.compare(event.data, payloads[index]!), 0);
          assert.equal(Buffer.compare(event.metadata, everyByte), 0);
        }
      },
    },
    {
      name: 'A-E11: metadata stand apart from the data',
      run: async ({ store }) => {
        const stream = newStream();
        const [data, metadata] = [{ total: '100.00' }, { by: 'thor', $correlationId: 'c-1' }];
        await store.append(stream, [jsonEvent({ type: 'Paid', data, metadata }), jsonEvent({ type: 'Paid', data })], {
          expected: 'no-stream',
        });
        const [with_, without] = await read(store, stream);
        assert.deepEqual([jsonData(with_!), jsonData(without!)], [data, data]);
        assert.deepEqual([jsonMetadata(with_!), jsonMetadata(without!)], [metadata, {}]);
        assert.equal(without!.metadata.length, 0);
      },
    },
    {
      name: 'A-L2: an event never changes: neither its writer nor its readers can alter the stored bytes',
      run: async ({ store }) => {
        const data = new TextEncoder().encode('{"dock":"12"}');
        const stream = newStream();
        await store.append(stream, [{ ...one('Scanned'), data }], { expected: 'no-stream' });
        data.fill(0);
        const [first] = await read(store, stream);
        assert.equal(text(first!.data), '{"dock":"12"}');
        first!.data.fill(0);
        first!.created.setTime(0);
        const [second] = await read(store, stream);
        assert.equal(text(second!.data), '{"dock":"12"}');
        assert.notEqual(second!.created.getTime(), 0);
      },
    },
    {
      name: 'A-S1: the category and the id of a stream can be told from its name',
      run: async ({ store }) => {
        assert.deepEqual([categoryOf(goldenStream), idOf(goldenStream)], ['CustomerOrder', '123456789']);
        const category = newCategory();
        const stream = streamName(`${category}-123456789`);
        await store.append(stream, goldenEvents(), { expected: 'no-stream' });
        assert.deepEqual(
          (await read(store, `$ce-${category}`)).map((event) => [categoryOf(event.stream), idOf(event.stream)]),
          goldenSample.map(() => [category, '123456789']),
        );
      },
    },
    {
      name: 'A-S2: the first hyphen separates, and an id may have more of them',
      run: async ({ store }) => {
        const category = newCategory();
        const stream = streamName(`${category}-15150a1f-2b3c-4d5e-8f90-a1b2c3d0369c`);
        await store.append(stream, [one('Placed')], { expected: 'no-stream' });
        assert.deepEqual([categoryOf(stream), idOf(stream)], [category, '15150a1f-2b3c-4d5e-8f90-a1b2c3d0369c']);
        assert.equal((await read(store, `$ce-${category}`)).length, 1);
      },
    },
    {
      name: 'A-S3: an id may be a number or a GUID',
      run: async ({ store }) => {
        const category = newCategory();
        for (const id of ['123456789', randomUUID(), '15150a0369c', '0']) {
          const stream = streamName(`${category}-${id}`);
          const event = one('Placed');
          await store.append(stream, [event], { expected: 'no-stream' });
          assert.deepEqual(await idsIn(store, stream), [event.id]);
        }
      },
    },
    {
      name: 'what was created elsewhere keeps its time',
      needs: ['created'],
      run: async ({ store }) => {
        const created = new Date('2016-08-08T20:05:00.123Z');
        const stream = newStream();
        await store.append(stream, [{ ...one('Imported'), created }], { expected: 'no-stream' });
        const [inStream] = await read(store, stream);
        const [inLog] = await all(store.readAll({ filter: { streamPrefixes: [stream] } }));
        assert.deepEqual([inStream?.created, inLog?.created], [created, created]);
        await refused('invalid-event', () =>
          store.append(stream, [{ ...one('Imported'), created: new Date(Number.NaN) }], { expected: 'any' }),
        );
      },
    },
  ],
};

/** The golden sample, in a stream of its own. */
async function golden(store: EventStore): Promise<{ stream: string; events: RecordedEvent[] }> {
  const stream = newStream('CustomerOrder');
  await store.append(stream, goldenEvents(), { expected: 'no-stream' });
  return { stream, events: await read(store, stream) };
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
