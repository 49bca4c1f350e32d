import assert from 'node:assert/strict';

import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import type { ReadStreamOptions } from '../store/options.ts';
import { revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import type { ContractSuite } from './contract-case.ts';
import { all, bounded, idsIn, idsOf, newStream, numbered, one, read, refused, revisionsOf } from './contract-tools.ts';

const ten = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n];

/** What a read of an ordinary stream gives. */
export const readContract: ContractSuite = {
  name: 'read a stream',
  cases: [
    {
      name: 'A-S5: the events of a stream come in the order they were appended, numbered 0, 1, 2, without a gap',
      run: async ({ store }) => {
        const stream = newStream();
        const events = numbered(1_234);
        await store.append(stream, events.slice(0, 1_000), { expected: 'no-stream' });
        await store.append(stream, events.slice(1_000), { expected: revision(999) });
        const found = await read(store, stream);
        assert.deepEqual(idsOf(found), idsOf(events));
        assert.ok(found.every((event, index) => event.revision === BigInt(index)));
        assert.ok(found.every((event, index) => index === 0 || event.position > found[index - 1]!.position));
      },
    },
    {
      name: 'a read begins where it is told to, that place included, in both directions',
      run: async ({ store }) => {
        const stream = await streamOfTen(store);
        const reads: readonly [ReadStreamOptions, readonly bigint[]][] = [
          [{}, ten],
          [{ from: 'start' }, ten],
          [{ from: revision(0) }, ten],
          [{ from: revision(7) }, ten.slice(7)],
          [{ from: revision(9) }, [9n]],
          [{ from: revision(10) }, []],
          [{ from: revision(1_000_000) }, []],
          [{ from: 'end' }, [9n]],
          [{ direction: 'backwards' }, ten.toReversed()],
          [{ direction: 'backwards', from: 'end' }, ten.toReversed()],
          [{ direction: 'backwards', from: 'start' }, [0n]],
          [{ direction: 'backwards', from: revision(2) }, [2n, 1n, 0n]],
          [{ direction: 'backwards', from: revision(0) }, [0n]],
          [{ direction: 'backwards', from: revision(1_000_000) }, ten.toReversed()],
        ];
        for (const [options, expected] of reads) {
          assert.deepEqual(revisionsOf(await read(store, stream, options)), expected, describe(options));
        }
      },
    },
    {
      name: 'a limit stops a read, in both directions',
      run: async ({ store }) => {
        const stream = await streamOfTen(store);
        const reads: readonly [ReadStreamOptions, readonly bigint[]][] = [
          [{ limit: 1 }, [0n]],
          [{ limit: 3, from: revision(8) }, [8n, 9n]],
          [{ limit: 100 }, ten],
          [{ limit: 4, pageSize: 4 }, ten.slice(0, 4)],
          [{ limit: 5, pageSize: 2 }, ten.slice(0, 5)],
          [{ limit: 1, direction: 'backwards' }, [9n]],
          [{ limit: 2, direction: 'backwards', from: revision(5) }, [5n, 4n]],
        ];
        for (const [options, expected] of reads) {
          assert.deepEqual(revisionsOf(await read(store, stream, options)), expected, describe(options));
        }
      },
    },
    {
      name: 'the pages of a read hold the same events, none of them is empty or larger than asked for',
      run: async ({ store }) => {
        const stream = await streamOfTen(store);
        for (const direction of ['forwards', 'backwards'] as const) {
          const pages: (readonly RecordedEvent[])[] = [];
          const reading = store.readStream(stream, { direction, pageSize: 4 });
          for await (const page of reading.pages()) pages.push(page);
          assert.ok(pages.every(({ length }) => length > 0 && length <= 4));
          assert.deepEqual(revisionsOf(pages.flat()), direction === 'forwards' ? ten : ten.toReversed());
        }
      },
    },
    {
      name: 'items and pages of one read are two reads of the same',
      run: async ({ store }) => {
        const stream = await streamOfTen(store);
        const reading = store.readStream(stream);
        const items: RecordedEvent[] = [];
        for await (const event of reading) items.push(event);
        assert.deepEqual(items, await all(reading));
        await store.append(stream, numbered(1), { expected: revision(9) });
        assert.equal((await all(reading)).length, 11);
      },
    },
    {
      name: 'a stream that does not exist gives nothing',
      run: async ({ store }) => {
        const stream = newStream();
        assert.deepEqual(await read(store, stream), []);
        assert.deepEqual(await read(store, stream, { direction: 'backwards' }), []);
        assert.deepEqual(await read(store, `$$${stream}`), []);
        assert.deepEqual(await store.streamState(stream), {
          stream,
          status: 'no-stream',
          metadata: { custom: {} },
        });
      },
    },
    {
      name: 'A-S4: a stream gives its own events and no others',
      run: async ({ store }) => {
        const [a, b] = [newStream(), newStream()];
        const [forA, forB] = [numbered(5), numbered(5)];
        for (let i = 0; i < 5; i += 1) {
          await store.append(a, [forA[i]!], { expected: 'any' });
          await store.append(b, [forB[i]!], { expected: 'any' });
        }
        assert.deepEqual(await idsIn(store, a), idsOf(forA));
        assert.deepEqual(await idsIn(store, b), idsOf(forB));
      },
    },
    {
      name: 'A-S7: a stream of 17 events says so, and gives the details of each',
      run: async ({ store }) => {
        const stream = newStream();
        const events = Array.from({ length: 17 }, (_, index) => one(`Step${index}Done`));
        await store.append(stream, events, { expected: 'no-stream' });
        const state = await store.streamState(stream);
        const found = await read(store, stream);
        assert.deepEqual([state.status, state.firstRevision, state.revision], ['exists', 0n, 16n]);
        assert.equal(state.position, found[16]?.position);
        assert.deepEqual(
          found.map(({ id, type, data }) => ({ id, type, data })),
          events.map(({ id, type, data }) => ({ id, type, data })),
        );
      },
    },
    {
      name: 'a read that appends to what it reads comes to an end',
      run: async ({ store }) => {
        const stream = await streamOfTen(store);
        let seen = 0;
        for await (const event of store.readStream(stream, { pageSize: 2 })) {
          await store.append(stream, [one(`After${event.revision}`)], { expected: 'any' });
          seen += 1;
          assert.ok(seen <= 20, 'it goes on and on');
        }
        assert.ok(seen >= 10);
      },
    },
    {
      name: 'leaving a read half way leaves the store as it was',
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(2_000), { expected: 'no-stream' });
        for (let i = 0; i < 50; i += 1) {
          for await (const event of store.readStream(stream)) if (event.revision >= BigInt(i)) break;
          for await (const page of store.readStream(stream, { pageSize: 10 }).pages()) if (page.length > 0) break;
        }
        const { revision: last } = await bounded(store.append(stream, numbered(1), { expected: revision(1_999) }));
        assert.equal(last, 2_000n);
      },
    },
    {
      name: 'a time means, forwards, the first event that was created at or after it',
      needs: ['read-by-time'],
      run: async ({ store }) => {
        const { stream, times } = await spreadOverTime(store);
        assert.deepEqual(revisionsOf(await read(store, stream, { from: times[0] })), [0n, 1n, 2n]);
        assert.deepEqual(revisionsOf(await read(store, stream, { from: times[1] })), [1n, 2n]);
        assert.deepEqual(revisionsOf(await read(store, stream, { from: after(times[1]) })), [2n]);
        assert.deepEqual(revisionsOf(await read(store, stream, { from: after(times[2]) })), []);
      },
    },
    {
      name: 'a time means, backwards, the last event that was created at or before it',
      needs: ['read-by-time'],
      run: async ({ store }) => {
        const { stream, times } = await spreadOverTime(store);
        const backwards = async (from: Date): Promise<bigint[]> =>
          revisionsOf(await read(store, stream, { from, direction: 'backwards' }));
        assert.deepEqual(await backwards(times[2]), [2n, 1n, 0n]);
        assert.deepEqual(await backwards(times[1]), [1n, 0n]);
        assert.deepEqual(await backwards(before(times[1])), [0n]);
        assert.deepEqual(await backwards(before(times[0])), []);
      },
    },
    {
      name: 'options that mean nothing are refused',
      run: async ({ store }) => {
        const stream = newStream();
        for (const options of [{ limit: -1 }, { limit: 1.5 }, { pageSize: 0 }, { from: new Date(Number.NaN) }]) {
          await refused('invalid-option', async () => read(store, stream, options));
        }
      },
    },
  ],
};

async function streamOfTen(store: EventStore): Promise<StreamName> {
  const stream = newStream();
  await store.append(stream, numbered(10), { expected: 'no-stream' });
  return stream;
}

/** A stream of three events, each created in a millisecond of its own. */
async function spreadOverTime(store: EventStore): Promise<{ stream: StreamName; times: [Date, Date, Date] }> {
  const stream = newStream();
  const times: Date[] = [];
  const other = newStream();
  while (times.length < 3) {
    await store.append(stream, numbered(1), { expected: 'any' });
    const time = (await read(store, stream)).at(-1)!.created;
    times.push(time);
    // Other streams are appended to until the store's clock has moved on by more than a step of it.
    for (let created = time; created.getTime() < time.getTime() + 3;) {
      await store.append(other, numbered(1), { expected: 'any' });
      created = (await read(store, other, { direction: 'backwards', limit: 1 }))[0]!.created;
    }
  }
  const [first, second, third] = times;
  return { stream, times: [first!, second!, third!] };
}

function after(time: Date): Date {
  return new Date(time.getTime() + 1);
}

function before(time: Date): Date {
  return new Date(time.getTime() - 1);
}

function describe(options: ReadStreamOptions): string {
  return JSON.stringify(options, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}
