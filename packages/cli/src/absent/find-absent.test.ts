import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { jsonEvent, streamName, type EventStore } from 'daybook';
import { openMemoryStore } from 'daybook/memory';
import * as fc from 'fast-check';

import { findAbsent, type AbsentQuestion } from './find-absent.ts';

interface Happened {
  readonly stream: string;
  readonly type: string;
  readonly atMs: number;
}

const question = (options: Partial<AbsentQuestion> = {}): AbsentQuestion => ({
  has: 'OrderShipped',
  lacks: 'ShipmentEmailSent',
  withinMs: 10,
  category: undefined,
  since: undefined,
  now: new Date(1_000),
  signal: new AbortController().signal,
  ...options,
});

async function fill(store: EventStore, events: readonly Happened[]): Promise<void> {
  for (const { stream, type, atMs } of events) {
    const event = { ...jsonEvent({ type, data: {} }), created: new Date(atMs) };
    await store.append(streamName(stream), [event], { expected: 'any' });
  }
}

async function told(store: EventStore, asked: AbsentQuestion): Promise<readonly string[]> {
  return (await findAbsent(store, asked)).map(
    ({ event, late }) => `${event.revision}@${event.stream}${late === undefined ? '' : ` late ${late.revision}`}`,
  );
}

describe('what did not happen', () => {
  it('A-E13: is each event that another one did not follow in time, in its own stream', async () => {
    await using store = openMemoryStore();
    await fill(store, [
      { stream: 'Order-mailed', type: 'OrderShipped', atMs: 0 },
      { stream: 'Order-missing', type: 'OrderShipped', atMs: 1 },
      { stream: 'Order-mailed', type: 'ShipmentEmailSent', atMs: 10 },
      { stream: 'Order-early', type: 'ShipmentEmailSent', atMs: 11 },
      { stream: 'Order-early', type: 'OrderShipped', atMs: 12 },
      { stream: 'Order-late', type: 'OrderShipped', atMs: 20 },
      { stream: 'Order-late', type: 'ShipmentEmailSent', atMs: 31 },
      { stream: 'Order-unrelated', type: 'OrderCreated', atMs: 40 },
      { stream: 'Order-fresh', type: 'OrderShipped', atMs: 990 },
    ]);
    const asked = question();
    assert.deepEqual(await told(store, asked), ['0@Order-missing', '1@Order-early', '0@Order-late late 1']);
    assert.deepEqual(await told(store, { ...asked, now: new Date(1_001) }), [
      '0@Order-missing',
      '1@Order-early',
      '0@Order-late late 1',
      '0@Order-fresh',
    ]);
    assert.deepEqual(await told(store, { ...asked, since: new Date(12) }), ['1@Order-early', '0@Order-late late 1']);
    assert.deepEqual(await told(store, { ...asked, category: 'Cart' }), []);
  });

  it('A-E13: is the same as looking at each stream alone, in any history', async () => {
    const happened: fc.Arbitrary<Happened> = fc.record({
      stream: fc.constantFrom('A-1', 'A-2', 'B-1'),
      type: fc.constantFrom('OrderShipped', 'ShipmentEmailSent', 'OrderCreated'),
      atMs: fc.integer({ min: 950, max: 1_020 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(happened, { maxLength: 25 }), fc.boolean(), async (history, isSame) => {
        await using store = openMemoryStore();
        await fill(store, history);
        const asked = question({ ...(isSame && { lacks: 'OrderShipped' }) });
        const expected = history.flatMap((each, index) => {
          if (each.type !== asked.has) return [];
          const stream = history.filter(({ stream: name }) => name === each.stream);
          const revision = history.slice(0, index).filter(({ stream: name }) => name === each.stream).length;
          const at = stream.findIndex(({ type }, later) => later > revision && type === asked.lacks);
          const answer = stream[at];
          if (answer === undefined) return each.atMs + 10 < 1_000 ? [`${revision}@${each.stream}`] : [];
          return answer.atMs > each.atMs + 10 ? [`${revision}@${each.stream} late ${at}`] : [];
        });
        assert.deepEqual(await told(store, asked), expected);
      }),
      { numRuns: 300 },
    );
  });
});
