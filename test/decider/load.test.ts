import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import {
  jsonEvent,
  revision,
  streamName,
  truncateStream,
  type EventStore,
  type Position,
  type Revision,
} from 'daybook';
import {
  events,
  load,
  memoryStateCache,
  streamOf,
  trusted,
  view,
  type CachedState,
  type DomainEvent,
  type StateCache,
  type StateKey,
  type View,
} from 'daybook/decider';
import { openMemoryStore } from 'daybook/memory';
import { openSqliteStore } from 'daybook/sqlite';
import * as fc from 'fast-check';

import { countingStore } from './support/counting-store.ts';
import { heardDuring } from './support/heard.ts';

const Counter = events('Counter', { NumberAdded: trusted<number>(), NothingAdded: trusted<number>() });

/** Every number that was added, so that a missing or doubled event shows. */
const numbers = view(Counter, {
  initial: (id) => ({ id, seen: new Array<number>() }),
  evolve: { NumberAdded: (state, { data }) => ({ ...state, seen: [...state.seen, data] }) },
});

const added = (...data: readonly number[]): readonly DomainEvent[] => data.map((each) => Counter.NumberAdded(each));

async function add(store: EventStore, ...data: readonly number[]): Promise<void> {
  await store.append(streamOf(Counter, 'a'), added(...data).map(jsonEvent), { expected: 'any' });
}

const seen = async (store: EventStore, ...options: readonly Parameters<typeof load>[3][]): Promise<readonly number[]> =>
  (await load(store, numbers, 'a', options[0])).state.seen;

const sum = (version: number, factor: number): View<number> =>
  view(Counter, {
    name: 'Sum',
    version,
    initial: () => 0,
    evolve: { NumberAdded: (state, { data }) => state + factor * data },
  });

const key = (name: string): StateKey => ({ view: name, stream: streamName('Counter-a') });
const kept = (state: unknown, asOfMs = 0): CachedState => ({
  state,
  revision: 0n as Revision, // A revision.
  position: 1n as Position, // A position.
  eventId: 'x',
  idTails: new Uint32Array(0),
  asOfMs,
});

describe('a state as it was', () => {
  it('A-F9: at any revision is what the events up to it give', async () => {
    await using store = openMemoryStore();
    await add(store, 10, 11, 12);
    for (const [at, expected] of [
      [0n, [10]],
      [1n, [10, 11]],
      [2n, [10, 11, 12]],
      [2n ** 63n - 1n, [10, 11, 12]],
    ] as const) {
      const loaded = await load(store, numbers, 'a', { asOf: { revision: at } });
      assert.deepEqual(loaded.state.seen, expected);
      assert.equal(loaded.revision, BigInt(expected.length - 1));
    }
  });

  for (const kind of ['memory', 'sqlite'] as const) {
    it(`A-F9, A-F8, B8: at any revision and any time equals a fold of what was there, on ${kind}`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ count: fc.integer({ min: 1, max: 4 }), stepMs: fc.integer({ min: -50, max: 100 }) }), {
            minLength: 1,
            maxLength: 6,
          }),
          fc.integer({ min: -60, max: 400 }),
          async (appends, askedMs) => {
            let nowMs = 1_000_000;
            await using opened = await openAt(kind, () => nowMs);
            const { store } = opened;
            const times: number[] = [];
            for (const { count, stepMs } of appends) {
              nowMs += stepMs; // Backwards too: clocks do that.
              const first = times.length;
              await add(store, ...Array.from({ length: count }, (_, index) => first + index));
              times.push(...Array.from({ length: count }, () => nowMs));
            }
            const all = times.map((_, index) => index);
            for (const at of all) {
              assert.deepEqual(await seen(store, { asOf: { revision: BigInt(at) } }), all.slice(0, at + 1));
            }
            const stored = await Array.fromAsync(store.readStream(streamOf(Counter, 'a')));
            const time = new Date(1_000_000 + askedMs);
            const last = stored.findLastIndex(({ created }) => created <= time);
            assert.deepEqual(await seen(store, { asOf: { time } }), all.slice(0, last + 1));
          },
        ),
        { numRuns: kind === 'memory' ? 60 : 8 },
      );
    });
  }

  it('counts the event that was created at that very time', async () => {
    await using store = openMemoryStore({ now: () => 1_000 });
    await add(store, 1);
    assert.deepEqual(await seen(store, { asOf: { time: new Date(1_000) } }), [1]);
  });

  it('is made of what is visible today, and of nothing behind', async () => {
    await using store = openMemoryStore();
    await add(store, 1, 2, 3, 4);
    await truncateStream(store, streamOf(Counter, 'a'), revision(2));
    assert.deepEqual(await seen(store, { asOf: { revision: 0n } }), []);
    assert.deepEqual(await seen(store, { asOf: { revision: 2n } }), [3]);
  });

  it('before anything happened is the initial one', async () => {
    await using store = openMemoryStore({ now: () => 1_000 });
    await add(store, 1);
    const loaded = await load(store, numbers, 'a', { asOf: { time: new Date(999) } });
    assert.deepEqual([loaded.state.seen, loaded.revision], [[], undefined]);
  });

  it('reads no further than it must, and begins with what a cache has', async () => {
    await using memory = openMemoryStore();
    await add(memory, ...Array.from({ length: 1_000 }, (_, index) => index));
    const { store, counted } = countingStore(memory);
    await load(store, numbers, 'a', { asOf: { revision: 9n } });
    assert.equal(counted().events, 10);
    const cache = memoryStateCache();
    await load(store, numbers, 'a', { cache });
    await add(memory, 1_000, 1_001);
    counted();
    const loaded = await load(store, numbers, 'a', { cache, asOf: { revision: 1_000n } });
    assert.deepEqual([loaded.revision, loaded.state.seen.length, counted().events], [1_000n, 1_001, 2]);
    const before = await load(store, numbers, 'a', { cache, asOf: { revision: 3n } });
    assert.deepEqual([before.state.seen, counted().events], [[0, 1, 2, 3], 4]);
  });
});

describe('a state with a cache', () => {
  it('A-F12: is exact, and reads only what came after: of 10,000 events, the tail', async () => {
    await using memory = openMemoryStore();
    const all = Array.from({ length: 10_000 }, (_, index) => index);
    for (let at = 0; at < all.length; at += 5_000) await add(memory, ...all.slice(at, at + 5_000));
    const { store, counted } = countingStore(memory);
    const cache = memoryStateCache();
    assert.equal((await load(store, numbers, 'a', { cache })).state.seen.length, 10_000);
    assert.deepEqual(counted(), { reads: 1, events: 10_000 });
    await add(memory, 10_000, 10_001, 10_002);
    const loaded = await load(store, numbers, 'a', { cache });
    assert.deepEqual(loaded.state.seen, [...all, 10_000, 10_001, 10_002]);
    assert.equal(loaded.revision, 10_002n);
    assert.deepEqual(counted(), { reads: 1, events: 4 }, 'one event that it knows, and three that are new');
  });

  it('A-F12: equals a state without one, whatever is appended, deleted and brought back meanwhile', async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 1, max: 5 }).map((count) => ({ kind: 'append' as const, count })) },
      { weight: 3, arbitrary: fc.constant({ kind: 'load' as const, count: 0 }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'delete' as const, count: 0 }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        await using store = openMemoryStore();
        const cache = memoryStateCache();
        let next = 0;
        for (const { kind, count } of steps) {
          if (kind === 'append') await add(store, ...Array.from({ length: count }, () => next++));
          else if (kind === 'delete') await store.deleteStream(streamOf(Counter, 'a'), { expected: 'any' });
          const cached = await load(store, numbers, 'a', { cache });
          assert.deepEqual(cached, await load(store, numbers, 'a'));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('still knows what was truncated: that is what snapshots are for', async () => {
    await using store = openMemoryStore();
    const cache = memoryStateCache();
    await add(store, 1, 2, 3);
    await load(store, numbers, 'a', { cache });
    await truncateStream(store, streamOf(Counter, 'a'), revision(2));
    await add(store, 4);
    assert.deepEqual(await seen(store), [3, 4]);
    assert.deepEqual(await seen(store, { cache }), [1, 2, 3, 4]);
  });

  it('is read anew when the log is another one, as after a restore', async () => {
    await using first = openMemoryStore();
    await using second = openMemoryStore();
    const cache = memoryStateCache();
    await add(first, 1, 2, 3);
    await add(second, 7, 8, 9, 10);
    await load(first, numbers, 'a', { cache });
    assert.deepEqual(await seen(second, { cache }), [7, 8, 9, 10]);
  });

  it('A-V1, A-V11: may be older when the reader says so, and says how old it is', async () => {
    let nowMs = 50_000;
    const now = (): number => nowMs;
    await using memory = openMemoryStore({ now });
    const { store, counted } = countingStore(memory);
    const cache = memoryStateCache();
    await add(memory, 1);
    await load(store, numbers, 'a', { cache, now, maxAgeMs: 5_000 });
    assert.equal(counted().reads, 1);
    await add(memory, 2);
    nowMs += 5_000;
    const stale = await load(store, numbers, 'a', { cache, now, maxAgeMs: 5_000 });
    assert.deepEqual([stale.state.seen, stale.ageMs, stale.revision], [[1], 5_000, 0n]);
    assert.equal(counted().reads, 0, 'the store was not asked');
    const exact = await load(store, numbers, 'a', { cache, now });
    assert.deepEqual([exact.state.seen, exact.ageMs], [[1, 2], 0]);
    nowMs += 5_001;
    await add(memory, 3);
    const tooOld = await load(store, numbers, 'a', { cache, now, maxAgeMs: 5_000 });
    assert.deepEqual([tooOld.state.seen, tooOld.ageMs], [[1, 2, 3], 0]);
  });

  it('A-V4: carries the revision that it knows, so that a decision on it is refused when it is old', async () => {
    let nowMs = 0;
    const now = (): number => nowMs;
    await using store = openMemoryStore();
    const cache = memoryStateCache();
    await add(store, 1);
    await load(store, numbers, 'a', { cache, now });
    await add(store, 2);
    nowMs += 1;
    const { revision: known, stream } = await load(store, numbers, 'a', { cache, now, maxAgeMs: 1_000 });
    assert.equal(known, 0n);
    const decided = [jsonEvent(Counter.NumberAdded(3))];
    await assert.rejects(store.append(stream, decided, { expected: known ?? 'no-stream' }), {
      code: 'wrong-expected-revision',
    });
  });

  it('is read from the log when the cache fails, with a warning', async () => {
    await using store = openMemoryStore();
    await add(store, 1);
    const failing: StateCache = {
      isShared: false,
      get: () => Promise.reject(new Error('down')),
      set: () => Promise.reject(new Error('down')),
    };
    const published = await heardDuring(async () => {
      assert.deepEqual(await seen(store, { cache: failing }), [1]);
    });
    assert.deepEqual(
      published.map(({ code }) => code),
      ['state-cache-failed', 'state-cache-failed'],
    );
  });

  it('needs a view with a name where others see the cache', async () => {
    await using store = openMemoryStore();
    const shared: StateCache = { ...memoryStateCache(), isShared: true };
    await assert.rejects(load(store, numbers, 'a', { cache: shared }), { code: 'invalid-option', option: 'cache' });
  });

  it('of another version of the view is not used', async () => {
    await using store = openMemoryStore();
    await add(store, 1, 2);
    const cache = memoryStateCache();
    assert.equal((await load(store, sum(1, 1), 'a', { cache })).state, 3);
    assert.equal((await load(store, sum(2, 10), 'a', { cache })).state, 30);
    assert.equal((await load(store, sum(1, 1), 'a', { cache })).state, 3);
    assert.equal(cache.entries, 2);
  });
});

describe('a load', () => {
  it('refuses options that mean nothing together', async () => {
    await using store = openMemoryStore();
    const cache = memoryStateCache();
    const wrong: readonly Parameters<typeof load>[3][] = [
      { maxAgeMs: 5 },
      { maxAgeMs: -1, cache },
      { maxAgeMs: NaN, cache },
      { maxAgeMs: 5, cache, asOf: { revision: 1n } },
      { asOf: { revision: -1n } },
      { asOf: { time: new Date(NaN) } },
    ];
    for (const options of wrong) {
      await assert.rejects(load(store, numbers, 'a', options), { code: 'invalid-option' });
    }
    await assert.rejects(load(store, numbers, ''), { code: 'invalid-option' });
  });

  it('ends with the reason when it is aborted', async () => {
    await using store = openMemoryStore();
    await add(store, 1);
    const signal = AbortSignal.abort(new Error('enough'));
    await assert.rejects(load(store, numbers, 'a', { signal }), /enough/);
  });

  it('refuses a stream that was closed for good', async () => {
    await using store = openMemoryStore();
    await add(store, 1);
    const cache = memoryStateCache();
    await load(store, numbers, 'a', { cache });
    await store.tombstoneStream(streamOf(Counter, 'a'), { expected: 'any' });
    await assert.rejects(load(store, numbers, 'a'), { code: 'stream-tombstoned' });
    await assert.rejects(load(store, numbers, 'a', { cache }), { code: 'stream-tombstoned' });
  });
});

describe('a cache in memory', () => {
  it('forgets what was not used for the longest time, by number and by size', async () => {
    const few = memoryStateCache({ maxEntries: 2 });
    await few.set(key('a'), kept(1));
    await few.set(key('b'), kept(2));
    await few.get(key('a'));
    await few.set(key('c'), kept(3));
    assert.deepEqual(await Promise.all(['a', 'b', 'c'].map(async (name) => (await few.get(key(name)))?.state)), [
      1,
      undefined,
      3,
    ]);
    const small = memoryStateCache({ maxBytes: 10_000 });
    for (let index = 0; index < 100; index += 1) await small.set(key(String(index)), kept('x'.repeat(1_000)));
    assert.ok(small.sizeBytes <= 10_000 && small.entries === 4, `${small.entries} of ${small.sizeBytes} bytes`);
    await small.set(key('huge'), kept('x'.repeat(10_000)));
    assert.equal(await small.get(key('huge')), undefined);
    assert.equal(small.entries, 4);
  });

  it('counts what it holds the same, however often a state is put in', async () => {
    const cache = memoryStateCache();
    const state = { list: ['a', 'b'], map: new Map([['k', new Uint8Array(100)]]) };
    await cache.set(key('a'), kept(state, 1));
    const once = cache.sizeBytes;
    await cache.set(key('a'), kept(state, 2));
    assert.equal(cache.sizeBytes, once);
    await cache.set(key('a'), kept({ ...state }, 3));
    assert.equal(cache.sizeBytes, once);
  });

  it('does not let an older state replace a newer one', async () => {
    const cache = memoryStateCache();
    await cache.set(key('a'), kept('new', 2));
    await cache.set(key('a'), kept('old', 1));
    assert.equal((await cache.get(key('a')))?.state, 'new');
  });

  it('gives states that nobody can change for others', async () => {
    await using store = openMemoryStore();
    await add(store, 1);
    const cache = memoryStateCache();
    const { state } = await load(store, numbers, 'a', { cache });
    assert.throws(() => state.seen.push(99), TypeError);
    assert.deepEqual(await seen(store, { cache }), [1]);
  });

  it('refuses sizes that mean nothing', () => {
    for (const options of [{ maxEntries: 0 }, { maxBytes: NaN }]) {
      assert.throws(() => memoryStateCache(options), { code: 'invalid-option' });
    }
  });
});

async function openAt(
  kind: 'memory' | 'sqlite',
  now: () => number,
): Promise<AsyncDisposable & { readonly store: EventStore }> {
  if (kind === 'memory') {
    const store = openMemoryStore({ now });
    return { store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
  }
  const folder = await mkdtemp(join(tmpdir(), 'daybook-load-'));
  const store = await openSqliteStore(join(folder, 'a.db'), { now });
  return {
    store,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}
