import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';

import type { NewEvent } from 'daybook';
import { command, events, handle, nothing, refuse, rehearse, streamOf, trusted, view } from 'daybook/decider';
import { openMemoryStore } from 'daybook/memory';
import { openSqliteStore } from 'daybook/sqlite';
import { exported, given } from 'daybook/testing';
import * as fc from 'fast-check';

import { newFolder } from '../cli/support/folder.ts';
import { runCli } from '../cli/support/run-cli.ts';
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
            const copied: readonly NewEvent[] = all.slice(0, before);
            if (copied.length > 0) await local.append(cart, copied, { expected: 'no-stream' });
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

const line = (data: unknown, more: object): string =>
  JSON.stringify({ stream: 'Old-7-x', type: 'ThingNamed', data, ...more });

const lineIn = (stream: unknown): string => JSON.stringify({ stream, type: 'A', data: 1 });

describe('an export', () => {
  it('B8: of another process gives the same decision again, up to any event, in the shapes of then', async () => {
    using folder = newFolder();
    {
      await using store = await openSqliteStore(folder.file('daybook.db'));
      for (const sku of ['a', 'b', '', 'c']) await handle(store, change, 'a', sku, { commandId: randomUUID() });
    }
    for (const words of [
      ['export', cart],
      ['read', cart, '--ndjson'],
    ]) {
      const { stdout: text } = await runCli(words, { cwd: folder.path });
      given(change, exported(text))
        .when('c')
        .thenRefused('twice', { items: ['c'] });
      given(change, exported(text, { upTo: 1n }))
        .when('b')
        .thenRefused('twice', { items: ['a', 'b'] });
      given(change, exported(text, { upTo: 1n }))
        .when('')
        .then([Cart.CartEmptied({})])
        .again();
      given(change, exported(text, { upTo: 2n }))
        .when('')
        .thenNothing();
    }
  });

  it('knows the id of its stream, and the version of each event', () => {
    const Old = events(
      'Old',
      { ThingNamed: trusted<{ name: string }>() },
      { upcast: { ThingNamed: [(name: string) => ({ name })] } },
    );
    const names = view(Old, {
      initial: (id) => [id],
      evolve: { ThingNamed: (state, { data }) => [...state, data.name] },
    });
    const tell = command(names, trusted<null>(), (_input, state) => refuse('told', state));
    const base64 = Buffer.from('{\n"name":"c"}').toString('base64');
    const text = [
      line('a', {}),
      line({ name: 'b' }, { metadata: { $schemaVersion: 1 } }),
      line(undefined, { dataBase64: base64, metadataBase64: Buffer.from('{"$schemaVersion":1}').toString('base64') }),
    ].join('\n');
    given(tell, exported(`${text}\n`))
      .when(null)
      .thenRefused('told', ['7-x', 'a', 'b', 'c']);
    given(tell, exported(text), { id: 'other' }).when(null).thenRefused('told', ['other', 'a', 'b', 'c']);
  });

  it('that is none is refused', () => {
    for (const text of ['', 'x', '7', lineIn(7), `${lineIn('A-1')}\n${lineIn('A-2')}`]) {
      assert.throws(() => exported(text), { code: 'invalid-option', option: 'text' });
    }
  });
});
