import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';

import { jsonEvent, revision, truncateStream, type EventStore, type Revision } from 'daybook';
import {
  cachedStateOf,
  cachedStateText,
  command,
  events,
  handle,
  load,
  snapshots,
  streamOf,
  trusted,
  view,
  type CachedState,
  type View,
} from 'daybook/decider';
import { openMemoryStore } from 'daybook/memory';
import * as fc from 'fast-check';

import { countingStore } from './support/counting-store.ts';
import { heardDuring } from './support/heard.ts';
import { openedStore, storeKinds } from './support/stores.ts';

const Counter = events('Counter', { NumberAdded: trusted<number>() });
const counterA = streamOf(Counter, 'a');

function sum(version = 1): View<{ readonly sum: number; readonly last?: number | undefined }> {
  return view(Counter, {
    name: 'Sum',
    version,
    initial: () => ({ sum: 0, last: undefined as number | undefined }),
    evolve: { NumberAdded: (state, { data }) => ({ sum: state.sum + data * version, last: data }) },
  });
}

async function add(store: EventStore, count: number): Promise<void> {
  const added = Array.from({ length: count }, () => jsonEvent(Counter.NumberAdded(1)));
  await store.append(counterA, added, { expected: 'any' });
}

const cachedState = (state: unknown): CachedState => ({
  state,
  revision: 3n as Revision, // A revision.
  position: undefined,
  eventId: 'x',
  idTails: Uint32Array.of(0, 1, 2 ** 32 - 1),
  asOfMs: 7,
});

describe('snapshots', () => {
  for (const kind of storeKinds) {
    it(`A-F12: outlive the process: of 2,000 events only those behind the snapshot are read, on ${kind}`, async () => {
      await using opened = await openedStore(kind);
      await add(opened.store, 2_000);
      const { store, counted } = countingStore(opened.store);
      assert.equal((await load(store, sum(), 'a', { cache: snapshots(store) })).state.sum, 2_000);
      assert.deepEqual(counted(), { reads: 2, events: 2_000 });
      await add(opened.store, 3);
      const loaded = await load(store, sum(), 'a', { cache: snapshots(store) });
      assert.deepEqual([loaded.state, loaded.revision], [{ sum: 2_003, last: 1 }, 2_002n]);
      assert.equal(counted().events, 1 + 4, 'the snapshot, the event that it knows last, and three that are new');
    });
  }

  it('are taken after so many events, and only the last one is kept', async () => {
    await using store = openMemoryStore();
    const cache = snapshots(store, { everyEvents: 10 });
    const taken = async (): Promise<readonly unknown[]> => {
      await load(store, sum(), 'a', { cache });
      const read = store.readStream('$snapshot-Sum@1/Counter-a' as typeof counterA); // Its documented name.
      return await Array.fromAsync(read, ({ revision: at, data }) => [
        at,
        (JSON.parse(new TextDecoder().decode(data)) as { revision: string }).revision,
      ]);
    };
    await add(store, 9);
    assert.deepEqual(await taken(), []);
    await add(store, 1);
    assert.deepEqual(await taken(), [[0n, '9']]);
    await add(store, 9);
    assert.deepEqual(await taken(), [[0n, '9']]);
    await add(store, 1);
    assert.deepEqual(await taken(), [[1n, '19']]);
    assert.deepEqual(await taken(), [[1n, '19']]);
  });

  it('give way to a state that knows less, as after a deletion: they are of another past', async () => {
    await using store = openMemoryStore();
    const cache = snapshots(store, { everyEvents: 10 });
    await add(store, 20);
    await load(store, sum(), 'a', { cache });
    await store.deleteStream(counterA, { expected: 'any' });
    assert.equal((await load(store, sum(), 'a', { cache })).state.sum, 0);
    const kept = await cache.get({ view: 'Sum@1', stream: counterA });
    assert.deepEqual([kept?.state, kept?.revision], [{ sum: 0 }, undefined]);
  });

  it('are in no category, no listing and no event type that a service follows', async () => {
    await using store = openMemoryStore();
    await add(store, 1);
    await load(store, sum(), 'a', { cache: snapshots(store, { everyEvents: 1 }) });
    assert.deepEqual(await Array.fromAsync(store.listStreams(), ({ stream }) => stream), [counterA]);
    assert.deepEqual(await Array.fromAsync(store.listEventTypes(), ({ type }) => type), ['NumberAdded']);
  });

  it('of another version of the view are not used', async () => {
    await using store = openMemoryStore();
    await add(store, 5);
    const cache = snapshots(store, { everyEvents: 1 });
    for (const version of [1, 2, 1])
      assert.equal((await load(store, sum(version), 'a', { cache })).state.sum, 5 * version);
  });

  it('let the beginning of a long stream go', async () => {
    await using store = openMemoryStore();
    await add(store, 100);
    await load(store, sum(), 'a', { cache: snapshots(store) });
    await load(store, sum(), 'a', { cache: snapshots(store, { everyEvents: 50 }) });
    await truncateStream(store, counterA, revision(99));
    await add(store, 1);
    assert.equal((await load(store, sum(), 'a', { cache: snapshots(store) })).state.sum, 101);
  });

  it('equal a fold of all events, whatever is appended and deleted', async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 1, max: 9 }) },
      { weight: 1, arbitrary: fc.constant('delete' as const) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 15 }),
        fc.integer({ min: 1, max: 8 }),
        async (steps, everyEvents) => {
          await using store = openMemoryStore();
          const kept = snapshots(store, { everyEvents });
          for (const each of steps) {
            if (each === 'delete') await store.deleteStream(counterA, { expected: 'any' });
            else await add(store, each);
            const exact = await load(store, sum(), 'a');
            for (const cache of [kept, snapshots(store, { everyEvents })]) {
              const { state, revision: at } = await load(store, sum(), 'a', { cache });
              assert.deepEqual([state.sum, at], [exact.state.sum, exact.revision]);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('A-I8: know which commands were handled, so that one of long ago is recognised', async () => {
    await using store = openMemoryStore();
    const addOne = command(sum(), trusted<number>(), (number) => [Counter.NumberAdded(number)]);
    const old = { commandId: randomUUID() };
    await handle(store, addOne, 'a', 1, old);
    await add(store, 20);
    await load(store, sum(), 'a', { cache: snapshots(store, { everyEvents: 5 }) });
    const again = await handle(store, addOne, 'a', 1, { ...old, cache: snapshots(store) });
    assert.deepEqual([again.outcome, again.revision], ['repeated', 0n]);
  });

  it('of a state that is not JSON are not taken, with a warning that says where', async () => {
    await using store = openMemoryStore();
    await add(store, 1);
    const odd = view(Counter, {
      name: 'Odd',
      initial: () => ({ seen: [new Date(0)] }),
      evolve: { NumberAdded: (state) => state },
    });
    const [warning] = await heardDuring(async () => {
      await load(store, odd, 'a', { cache: snapshots(store, { everyEvents: 1 }) });
    });
    assert.match(warning?.message ?? '', /StateNotJson: The state has a Date at seen\.0, and only JSON can be kept/);
    assert.throws(() => snapshots(store, { everyEvents: 0 }), { code: 'invalid-option' });
  });
});

describe('a cached state as text', () => {
  it('comes back the same', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (state) => {
        const cached = cachedState(state);
        const back = cachedStateOf(cachedStateText(cached));
        assert.deepEqual(back, { ...cached, state: JSON.parse(JSON.stringify(state)) });
      }),
    );
    assert.deepEqual(cachedStateOf(cachedStateText(cachedState({ a: undefined, b: [1] }))).state, { b: [1] });
  });

  it('refuses what would come back as something else, and says where it is', () => {
    const wrong: readonly (readonly [unknown, readonly string[], string])[] = [
      [{ a: { b: 1n } }, ['a', 'b'], 'bigint'],
      [[new Map()], ['0'], 'Map'],
      [{ at: new Date(0) }, ['at'], 'Date'],
      [NaN, [], 'NaN'],
      [[undefined], ['0'], 'undefined'],
      [{ f: () => 1 }, ['f'], 'function'],
    ];
    for (const [state, path, found] of wrong) {
      assert.throws(() => cachedStateText(cachedState(state)), { code: 'state-not-json', path, found });
    }
  });
});
