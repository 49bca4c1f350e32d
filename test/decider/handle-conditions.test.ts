import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';

import {
  causedBy,
  correlationStream,
  jsonEvent,
  jsonMetadata,
  revision,
  truncateStream,
  type EventStore,
  type RecordedEvent,
} from 'daybook';
import {
  command,
  events,
  handle,
  load,
  memoryStateCache,
  streamOf,
  trusted,
  view,
  type StandardSchema,
} from 'daybook/decider';
import { openMemoryStore } from 'daybook/memory';
import { z } from 'zod';

import { countingStore } from './support/counting-store.ts';
import { guessing, losingOneAnswer, withAppend } from './support/faults.ts';
import { heardDuring } from './support/heard.ts';

const Note = events('Note', { LineAdded: trusted<{ text: string }>() });
const lines = view(Note, {
  name: 'Lines',
  initial: () => new Array<string>(),
  evolve: { LineAdded: (state, { data }) => [...state, data.text] },
});
const addLine = command(lines, z.object({ text: z.string() }), (input) => [Note.LineAdded(input)], { name: 'AddLine' });
const addLines = command(lines, trusted<readonly string[]>(), (input) => input.map((text) => Note.LineAdded({ text })));

const newId = (): { readonly commandId: string } => ({ commandId: randomUUID() });
const a = streamOf(Note, 'a');
const stored = (store: EventStore): Promise<RecordedEvent[]> => Array.fromAsync(store.readStream(a));
const texts = async (store: EventStore): Promise<readonly string[]> => (await load(store, lines, 'a')).state;

const metadata = async (store: EventStore): Promise<readonly Record<string, unknown>[]> =>
  (await stored(store)).map((event) => jsonMetadata(event) as Record<string, unknown>);

const slow = <Value>(test: (value: unknown) => value is Value): StandardSchema<Value> => ({
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: async (value) => {
      await Promise.resolve();
      return test(value) ? { value } : { issues: [{ message: 'no' }] };
    },
  },
});
const isText = (value: unknown): value is string => typeof value === 'string';

describe('a command among other writers', () => {
  it('is decided again on what the other one appended', async () => {
    await using behind = openMemoryStore();
    let others = 3;
    const store = withAppend(behind, (next) => async (stream, given, options) => {
      if (others > 0) await next(a, [jsonEvent(Note.LineAdded({ text: `other ${others--}` }))], { expected: 'any' });
      return next(stream, given, options);
    });
    const count = command(lines, trusted<null>(), (_input, state) => [Note.LineAdded({ text: `${state.length}` })]);
    const result = await handle(store, count, 'a', null, { ...newId(), random: () => 0 });
    assert.deepEqual(await texts(store), ['other 3', 'other 2', 'other 1', '3']);
    assert.equal(result.revision, 3n);
  });

  it('gives up after so many attempts, and has written nothing', async () => {
    await using behind = openMemoryStore();
    let tries = 0;
    const store = withAppend(behind, (next) => async (stream, given, options) => {
      tries += 1;
      await next(a, [jsonEvent(Note.LineAdded({ text: 'other' }))], { expected: 'any' });
      return next(stream, given, options);
    });
    const options = { ...newId(), attempts: 4, random: () => 0 };
    await assert.rejects(handle(store, addLine, 'a', { text: 'mine' }, options), (error) => {
      assert.ok(error instanceof Error && error.cause instanceof Error);
      assert.deepEqual(
        ['code', 'stream', 'attempts'].map((name): unknown => Reflect.get(error, name)),
        ['too-many-conflicts', 'Note-a', 4],
      );
      return Reflect.get(error.cause, 'code') === 'wrong-expected-revision';
    });
    assert.equal(tries, 4);
    assert.ok(!(await texts(behind)).includes('mine'));
  });

  it('stops between attempts when it is aborted', async () => {
    await using behind = openMemoryStore();
    const stopping = new AbortController();
    const store = withAppend(behind, (next) => async (stream, given, options) => {
      await next(a, [jsonEvent(Note.LineAdded({ text: 'other' }))], { expected: 'any' });
      queueMicrotask(() => stopping.abort(new Error('enough')));
      return next(stream, given, options);
    });
    const options = { ...newId(), signal: stopping.signal, random: () => 1 };
    await assert.rejects(handle(store, addLine, 'a', { text: 'mine' }, options), /enough/);
  });

  it('whose answer was lost is recognised when it is delivered again', async () => {
    await using behind = openMemoryStore();
    const store = losingOneAnswer(behind);
    const options = newId();
    await assert.rejects(handle(store, addLine, 'a', { text: 'once' }, options), { code: 'unknown-outcome' });
    const result = await handle(store, addLine, 'a', { text: 'once' }, options);
    assert.equal(result.outcome, 'repeated');
    assert.deepEqual(await texts(store), ['once']);
  });

  it('is not fooled by a store that says it appended what was there already', async () => {
    await using behind = openMemoryStore();
    const store = guessing(behind);
    const options = newId();
    const settled = await Promise.allSettled(
      ['1', '1', '2', '2', '1'].map((text) => handle(store, addLine, 'a', { text }, options)),
    );
    const told = settled.map((each) =>
      each.status === 'fulfilled' ? each.value.outcome : (Reflect.get(each.reason as Error, 'code') as string),
    );
    const expected = ['appended', 'repeated', 'command-id-reused', 'command-id-reused', 'repeated'];
    assert.deepEqual(told.toSorted(), expected.toSorted());
    assert.equal((await texts(store)).length, 1);
  });

  it('waits for the others of its process after it met them once: nobody tries a third time', async () => {
    await using behind = openMemoryStore();
    let appends = 0;
    const store = withAppend(behind, (next) => (...options) => {
      appends += 1;
      return next(...options);
    });
    const all = Array.from({ length: 40 }, (_, index) => String(index));
    const options = { random: () => 0, attempts: 2 };
    await Promise.all(all.map((text) => handle(store, addLine, 'a', { text }, { ...newId(), ...options })));
    assert.deepEqual([...(await texts(store))].toSorted(), all.toSorted());
    assert.ok(appends <= 2 * all.length, `${appends} appends`);
  });

  it('goes on behind events that are all hidden', async () => {
    await using store = openMemoryStore();
    await handle(store, addLines, 'a', ['1', '2'], newId());
    await truncateStream(store, a, revision(2));
    const result = await handle(store, addLine, 'a', { text: '3' }, { ...newId(), random: () => 0 });
    assert.deepEqual([result.revision, await texts(store)], [2n, ['3']]);
  });
});

describe('what a store may do by itself, and a command may not', () => {
  it('A-I2, A-I7: the same command is never stored twice, whatever the store would take under the revision it expects', async () => {
    await using store = openMemoryStore();
    const options = newId();
    const event = { ...jsonEvent(Note.LineAdded({ text: 'x' })), id: options.commandId };
    await store.append(a, [event], { expected: 'no-stream' });
    assert.equal((await store.append(a, [event], { expected: 'no-stream' })).outcome, 'repeated');
    assert.equal((await store.append(a, [event], { expected: 'any' })).outcome, 'repeated');
    await assert.rejects(store.append(a, [jsonEvent(Note.LineAdded({ text: 'y' }))], { expected: 'no-stream' }), {
      code: 'wrong-expected-revision',
    });
    for (const cache of [undefined, memoryStateCache()]) {
      for (let delivery = 0; delivery < 3; delivery += 1) {
        const result = await handle(store, addLine, 'a', { text: 'x' }, { ...options, cache });
        assert.equal(result.outcome, 'repeated');
      }
    }
    assert.deepEqual(await texts(store), ['x']);
  });
});

describe('a command with a cache', () => {
  it('A-F12: reads only the tail, and recognises a command from long before', async () => {
    await using memory = openMemoryStore();
    const old = newId();
    await handle(memory, addLine, 'a', { text: 'old' }, old);
    await handle(
      memory,
      addLines,
      'a',
      Array.from({ length: 4_999 }, (_, index) => String(index)),
      newId(),
    );
    const { store, counted } = countingStore(memory);
    const cache = memoryStateCache();
    await load(store, lines, 'a', { cache });
    counted();
    await handle(store, addLine, 'a', { text: 'new' }, { ...newId(), cache });
    assert.deepEqual(counted(), { reads: 1, events: 1 });
    await handle(store, addLine, 'a', { text: 'newer' }, { ...newId(), cache });
    assert.deepEqual(counted(), { reads: 1, events: 2 });
    const again = await handle(store, addLine, 'a', { text: 'old' }, { ...old, cache });
    assert.deepEqual([again.outcome, again.revision], ['repeated', 0n]);
    await assert.rejects(handle(store, addLine, 'a', { text: 'new' }, { ...old, cache }), {
      code: 'command-id-reused',
    });
  });

  it('A-V4: may decide on an older state, and is decided again when that was wrong', async () => {
    await using memory = openMemoryStore();
    const { store, counted } = countingStore(memory);
    const once = command(lines, z.object({ text: z.string() }), ({ text }, state) =>
      state.includes(text) ? [] : [Note.LineAdded({ text })],
    );
    const cache = memoryStateCache();
    const stale = { cache, maxAgeMs: 60_000, random: () => 0 };
    await load(store, lines, 'a', { cache });
    await handle(memory, addLine, 'a', { text: 'x' }, newId()); // Behind the cache's back.
    assert.equal((await handle(store, once, 'a', { text: 'x' }, { ...newId(), ...stale })).outcome, 'unchanged');
    counted();
    const added = await handle(store, once, 'a', { text: 'y' }, { ...newId(), ...stale });
    assert.deepEqual([added.outcome, counted().reads], ['appended', 0]);
    const nothingNew = await handle(store, once, 'a', { text: 'x' }, { ...newId(), ...stale });
    assert.deepEqual(
      [nothingNew.outcome, nothingNew.revision],
      ['unchanged', 1n],
      'the exact state, not the older one',
    );
    assert.deepEqual(await texts(store), ['x', 'y']);
  });
});

describe('the metadata of what a command appends', () => {
  it('begin a chain with the command, when nothing caused it', async () => {
    await using store = openMemoryStore();
    const { commandId } = newId();
    await handle(store, addLines, 'a', ['1', '2'], { commandId });
    const [first, second] = await metadata(store);
    assert.deepEqual(second, { $correlationId: commandId, $causationId: commandId });
    assert.deepEqual({ ...first, $commandHash: undefined }, { ...second, $commandHash: undefined });
    assert.match(String(first?.['$commandHash']), /^[\w-]{43}$/);
    const chain = await Array.fromAsync(store.readStream(correlationStream(commandId)));
    assert.equal(chain.length, 2);
  });

  it('A-K11: go on with the chain of what caused it', async () => {
    await using store = openMemoryStore();
    const cause = { correlationId: 'the order', causationId: 'its shipment' };
    await causedBy(cause, () => handle(store, addLine, 'a', { text: '1' }, newId()));
    const [first] = await metadata(store);
    assert.deepEqual([first?.['$correlationId'], first?.['$causationId']], ['the order', 'its shipment']);
  });

  it('keep what the caller says, and what the caller says about the chain counts', async () => {
    await using store = openMemoryStore();
    const given = { by: 'ann', $correlationId: 'mine' };
    await handle(store, addLine, 'a', { text: '1' }, { ...newId(), metadata: given });
    const [first] = await metadata(store);
    assert.deepEqual([first?.['by'], first?.['$correlationId']], ['ann', 'mine']);
  });

  it('name the command where a business key gave the event its id', async () => {
    await using store = openMemoryStore();
    const { commandId } = newId();
    await handle(store, addLine, 'a', { text: '1' }, { commandId, businessKey: 'k' });
    const [event] = await stored(store);
    assert.equal(event?.id, '21e4c79b-6075-52e4-ae7c-58c0b77a8c4c');
    assert.equal((await metadata(store))[0]?.['$commandId'], commandId);
  });

  it('say how many steps the shape of the data is ahead, so that it is not stepped up again', async () => {
    const steps = [({ text }: { text: string }) => ({ text: `${text}!` })];
    const Stepped = events('Note', { LineAdded: trusted<{ text: string }>() }, { upcast: { LineAdded: steps } });
    const loud = view(Stepped, {
      initial: () => new Array<string>(),
      evolve: { LineAdded: (state, { data }) => [...state, data.text] },
    });
    const shout = command(loud, trusted<string>(), (text) => [Stepped.LineAdded({ text })]);
    await using store = openMemoryStore();
    await handle(store, addLine, 'a', { text: 'before' }, newId());
    await handle(store, shout, 'a', 'today', newId());
    assert.deepEqual((await load(store, loud, 'a')).state, ['before!', 'today']);
  });
});

describe('a command that cannot be', () => {
  it('is refused before anything is read', async () => {
    const { store, counted } = countingStore(openMemoryStore());
    const unnamed = command(lines, trusted<object>(), () => []);
    // @ts-expect-error -- No text.
    await assert.rejects(handle(store, addLine, 'a', { text: 7 }, newId()), {
      code: 'invalid-command-input',
      message: /text: /,
    });
    for (const options of [{ commandId: 'order 7' }, { attempts: 0 }, { attempts: NaN }]) {
      await assert.rejects(handle(store, addLine, 'a', { text: '' }, { ...newId(), ...options }), {
        code: 'invalid-option',
      });
    }
    const keyed = { ...newId(), businessKey: 'k' };
    await assert.rejects(handle(store, unnamed, 'a', {}, keyed), { code: 'invalid-option', option: 'businessKey' });
    await assert.rejects(handle(store, addLine, '', { text: '' }, newId()), { code: 'invalid-option' });
    assert.throws(() => command(lines, trusted<string>(), () => [], { businessKey: (key) => key }), {
      code: 'invalid-option',
    });
    assert.equal(counted().reads, 0);
  });

  it('writes nothing when one of its events is not declared, or does not fit', async () => {
    await using store = openMemoryStore();
    const Strict = events('Note', { LineAdded: z.object({ text: z.string().min(1) }) });
    const strictLines = view(Strict, { initial: () => 0, evolve: {} });
    const good = Strict.LineAdded({ text: 'good' });
    const odd = command(strictLines, trusted<object>(), () => [good, { type: 'LineGone', data: {} } as never]);
    await assert.rejects(handle(store, odd, 'a', {}, newId()), {
      code: 'undeclared-event',
      type: 'LineGone',
      categories: ['Note'],
    });
    const empty = command(strictLines, trusted<object>(), () => [good, { type: 'LineAdded', data: { text: '' } }]);
    await assert.rejects(handle(store, empty, 'a', {}, newId()), { code: 'invalid-event-data' });
    assert.equal((await store.head()).position, undefined);
  });

  it('A-I11: takes its business key from its input, when it says how', async () => {
    await using store = openMemoryStore();
    const keyed = command(lines, z.object({ order: z.string() }), ({ order }) => [Note.LineAdded({ text: order })], {
      name: 'Keyed',
      businessKey: ({ order }, id) => `${id}/${order}`,
    });
    for (const order of ['1', '2', '1']) await handle(store, keyed, 'a', { order }, newId());
    assert.deepEqual(await texts(store), ['1', '2']);
  });
});

describe('schemas that take their time', () => {
  it('A-F7: are waited for: of a command, of its events, of what is loaded', async () => {
    await using store = openMemoryStore();
    const Slow = events('Slow', { WordSaid: slow(isText) });
    const words = view(Slow, { initial: () => '', evolve: { WordSaid: (state, { data }) => state + data } });
    const say = command(words, slow(isText), (word) => [Slow.WordSaid(word)]);
    await handle(store, say, 'a', 'yes', newId());
    await handle(store, say, 'a', 'no', newId());
    assert.equal((await load(store, words, 'a')).state, 'yesno');
    // @ts-expect-error -- No text.
    await assert.rejects(handle(store, say, 'a', 7, newId()), { code: 'invalid-command-input' });
    const lie = command(words, trusted<unknown>(), () => [{ type: 'WordSaid', data: 7 } as never]);
    await assert.rejects(handle(store, lie, 'a', 7, newId()), { code: 'invalid-event-data' });
  });
});

describe('an event of another category', () => {
  it('A-S6: is appended with a warning', async () => {
    await using store = openMemoryStore();
    const Order = events('Order', { OrderNoted: trusted<object>() });
    const both = view([Note, Order], { initial: () => 0, evolve: { OrderNoted: (state) => state + 1 } });
    const stray = command(both, trusted<object>(), () => [Order.OrderNoted({})]);
    const [warning, ...others] = await heardDuring(async () => {
      await handle(store, stray, 'a', {}, newId());
    });
    assert.deepEqual(others, []);
    assert.equal(warning?.code, 'other-category');
    assert.match(warning?.message ?? '', /^OrderNoted is declared in Order and stands in Note-a/);
    assert.equal((await load(store, both, 'a')).state, 1);
  });
});
