import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';

import type { NewEvent } from 'daybook';
import { command, events, handle, nothing, refuse, rehearse, streamOf, trusted, view } from 'daybook/decider';
import { openMemoryStore } from 'daybook/memory';
import * as fc from 'fast-check';

import { openedStore } from './support/stores.ts';

const Cart = events('Cart', { ItemAdded: trusted<{ sku: string }>(), CartEmptied: trusted<object>() });
const items = view(Cart, {
  initial: () => new Array<string>(),
  evolve: { ItemAdded: (state, { data }) => [...state, data.sku], CartEmptied: () => [] },
});
const change = command(items, trusted<string>(), (sku, state) => {
  if (sku === '') return state.length === 0 ? nothing : [Cart.CartEmptied({})];
  return state.includes(sku) ? refuse('twice', { items: state }) : [Cart.ItemAdded({ sku })];
});
const cart = streamOf(Cart, 'a');

describe('a decision of production', () => {
  it('A-F10: comes out the same on an export of the stream up to there, and as of there', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('', 'a', 'b', 'c'), { minLength: 1, maxLength: 12 }),
        async (inputs) => {
          await using production = await openedStore('sqlite');
          const decided: { readonly input: string; readonly events: number; readonly result: unknown }[] = [];
          let count = 0;
          for (const input of inputs) {
            const result = await handle(production.store, change, 'a', input, { commandId: randomUUID() });
            const told =
              result.outcome === 'appended'
                ? result.events.map(({ type, data }) => ({ type, data }))
                : result.outcome === 'refused'
                  ? refuse(result.code, result.facts)
                  : nothing;
            decided.push({ input, events: count, result: told });
            if (result.outcome === 'appended') count += result.events.length;
          }
          const all = await Array.fromAsync(production.store.readStream(cart));
          for (const { input, events: before, result } of decided) {
            await using local = openMemoryStore();
            const exported: readonly NewEvent[] = all.slice(0, before);
            if (exported.length > 0) await local.append(cart, exported, { expected: 'no-stream' });
            assert.deepEqual(await rehearse(local, change, 'a', input), result);
            if (before === 0) continue;
            const asOf = { revision: BigInt(before - 1) };
            assert.deepEqual(await rehearse(production.store, change, 'a', input, { asOf }), result);
          }
          assert.equal(
            (await production.store.streamState(cart)).revision,
            count === 0 ? undefined : BigInt(count - 1),
          );
        },
      ),
      { numRuns: 15 },
    );
  });

  it('that is rehearsed needs an input that fits', async () => {
    await using store = openMemoryStore();
    const strict = command(
      items,
      { '~standard': { ...trusted<string>()['~standard'], validate: () => ({ issues: [] }) } },
      () => nothing,
    );
    await assert.rejects(rehearse(store, strict, 'a', 'x'), { code: 'invalid-command-input' });
  });
});
