import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';

import { command, commandIdFrom, events, handle, trusted, view } from 'daybook/decider';
import { openMemoryStore } from 'daybook/memory';

const Note = events('Note', { LineAdded: trusted<{ text: string }>() });
const lines = view(Note, { initial: () => 0, evolve: {} });
const addLine = command(lines, trusted<{ text: string }>(), (input) => [Note.LineAdded(input)], { name: 'AddLine' });

const newId = (): { readonly commandId: string } => ({ commandId: randomUUID() });

describe('two inputs under one id', () => {
  const same: readonly (readonly [string, unknown, unknown])[] = [
    ['the order of their members', { a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }],
    ['what JSON leaves out', { a: 1, b: undefined }, { a: 1 }],
    ['a time and its text', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
    ['minus zero', -0, 0],
  ];
  const different: readonly (readonly [string, unknown, unknown])[] = [
    ['a number and its text', { dock: 12 }, { dock: '12' }],
    ['the order of a list', [1, 2], [2, 1]],
    ['a bigint and a number', 12n, 12],
    ['maps', new Map([[1, 2]]), new Map([[1, 3]])],
    ['sets', new Set([1]), new Set([2])],
    ['bytes', new Uint8Array([1]), new Uint8Array([2])],
    ['a part of a buffer', new Uint8Array([1, 2]).subarray(1), new Uint8Array([1, 2])],
    ['nothing and null in a list', [], [null]],
    ['a member more', {}, { a: null }],
  ];
  const anything = command(lines, trusted<unknown>(), () => [Note.LineAdded({ text: 'x' })]);

  it('are the same command where they differ in nothing that matters', async () => {
    for (const [what, first, second] of same) {
      await using store = openMemoryStore();
      const options = newId();
      await handle(store, anything, 'a', first, options);
      assert.equal((await handle(store, anything, 'a', second, options)).outcome, 'repeated', what);
    }
  });

  it('are two commands where they differ', async () => {
    for (const [what, first, second] of different) {
      await using store = openMemoryStore();
      const options = newId();
      await handle(store, anything, 'a', first, options);
      await assert.rejects(handle(store, anything, 'a', second, options), { code: 'command-id-reused' }, what);
    }
  });

  it('are two commands where the commands have different names', async () => {
    await using store = openMemoryStore();
    const options = newId();
    const [one, two] = ['One', 'Two'].map((name) =>
      command(lines, trusted<number>(), () => [Note.LineAdded({ text: 'x' })], { name }),
    );
    assert.ok(one && two);
    await handle(store, one, 'a', 1, options);
    await assert.rejects(handle(store, two, 'a', 1, options), { code: 'command-id-reused' });
  });

  it('are refused when they go round in a circle', async () => {
    await using store = openMemoryStore();
    const circle: { self?: unknown } = {};
    circle.self = circle;
    await assert.rejects(handle(store, anything, 'a', circle, newId()), { code: 'invalid-command-input' });
  });

  it('are one command under one business key, and not when the id is the same', async () => {
    await using store = openMemoryStore();
    const first = newId();
    await handle(store, addLine, 'a', { text: '1' }, { ...first, businessKey: 'k' });
    const other = await handle(store, addLine, 'a', { text: '2' }, { ...newId(), businessKey: 'k' });
    assert.equal(other.outcome, 'repeated');
    await assert.rejects(handle(store, addLine, 'a', { text: '2' }, { ...first, businessKey: 'k' }), {
      code: 'command-id-reused',
    });
  });
});

describe('a command id', () => {
  it('can be made of any text, the same everywhere and always', () => {
    assert.equal(commandIdFrom('orders/3/90170'), commandIdFrom('orders/3/90170'));
    assert.equal(commandIdFrom('orders/3/90170'), 'd3960b3c-1d47-5f48-ae6c-755b8a6315b1');
    assert.notEqual(commandIdFrom('a'), commandIdFrom('b'));
  });
});
