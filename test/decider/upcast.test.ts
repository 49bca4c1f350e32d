import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

import { streamName, type NewEvent } from 'daybook';
import { category, events, type Upcast } from 'daybook/decider';
import { openMemoryStore } from 'daybook/memory';
import { z } from 'zod';

import { decodedFrom } from './support/decoded-from.ts';

interface Golden {
  readonly shape: string;
  readonly type: string;
  readonly metadata?: string;
  readonly stored: string;
  readonly today: unknown;
}

const golden: readonly Golden[] = JSON.parse(
  readFileSync(new URL('golden/order-shipped.json', import.meta.url), 'utf8'),
);

const schemas = {
  OrderShipped: z.object({ carrier: z.string(), trackingNumbers: z.array(z.string()), shippedOn: z.string() }),
};

const steps: readonly Upcast[] = [
  ({ by, ...old }: { by: string }) => {
    const [carrier, ...number] = by.split(':');
    return { ...old, carrier, tracking_number: number.join(':') };
  },
  (old: { shipped_on: string; carrier: string; tracking_number: string }) => ({
    shippedOn: old.shipped_on,
    carrier: old.carrier,
    trackingNumber: old.tracking_number,
  }),
  ({ trackingNumber, ...old }: { trackingNumber: string }) => ({ ...old, trackingNumbers: [trackingNumber] }),
];

const Order = events('Order', schemas, {
  upcast: { OrderShipped: steps },
  renamed: { OrderDispatched: 'OrderShipped' },
  onRead: 'strict',
});

const encoder = new TextEncoder();
const stored = ({ type, metadata, stored: data }: Omit<Golden, 'today' | 'shape'>): NewEvent => ({
  id: crypto.randomUUID(),
  type,
  data: encoder.encode(data),
  metadata: metadata === undefined ? undefined : encoder.encode(metadata),
  contentType: 'application/json',
});

describe('an event in a shape that it had once', () => {
  for (const { shape, today, ...event } of golden) {
    it(`is read in today's shape: ${shape}`, async () => {
      await using store = openMemoryStore();
      await store.append(streamName('Order-1'), [stored(event)], { expected: 'any' });
      const [read] = await decodedFrom(store, category(Order));
      assert.deepEqual(read?.data, today);
      assert.equal(read?.type, 'OrderShipped');
    });
  }

  it('stays in the log as it was', async () => {
    await using store = openMemoryStore();
    await store.append(streamName('Order-1'), golden.map(stored), { expected: 'any' });
    await decodedFrom(store, category(Order));
    const texts = await Array.fromAsync(store.readStream(streamName('Order-1')), ({ data }) =>
      new TextDecoder().decode(data),
    );
    assert.deepEqual(
      texts,
      golden.map((each) => each.stored),
    );
  });

  it("is not shown to its schema before it has today's shape", async () => {
    await using store = openMemoryStore();
    const [first] = golden;
    assert.ok(first);
    await store.append(streamName('Order-1'), [stored(first)], { expected: 'any' });
    const Unstepped = events('Order', schemas, { onRead: 'strict' });
    await assert.rejects(decodedFrom(store, category(Unstepped)), { code: 'stored-event-not-valid' });
  });

  it('that a step cannot take names the event and the step', async () => {
    await using store = openMemoryStore();
    const strange = stored({ type: 'OrderShipped', stored: '{"by":7}' });
    await store.append(streamName('Order-1'), [strange], { expected: 'any' });
    await assert.rejects(decodedFrom(store, category(Order)), {
      code: 'upcast-failed',
      stream: 'Order-1',
      revision: 0n,
      type: 'OrderShipped',
      step: 0,
    });
  });

  it('begins at the first step when its metadata say no version that makes sense', async () => {
    for (const metadata of ['', 'not JSON', 'null', '[]', '{"$schemaVersion":-1}', '{"$schemaVersion":"3"}']) {
      await using store = openMemoryStore();
      const event = stored({ type: 'OrderShipped', metadata, stored: '{"shipped_on":"a","by":"b:c"}' });
      await store.append(streamName('Order-1'), [event], { expected: 'any' });
      const [read] = await decodedFrom(store, category(Order));
      assert.deepEqual(read?.data, { carrier: 'b', trackingNumbers: ['c'], shippedOn: 'a' }, metadata);
    }
  });
});
