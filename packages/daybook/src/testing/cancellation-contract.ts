import assert from 'node:assert/strict';

import type { EventStore } from '../store/event-store.ts';
import type { StreamName } from '../store/stream-name.ts';
import type { ContractSuite } from './contract-case.ts';
import { all, bounded, failure, follow, newStream, numbered, read, revisionsOf, settled } from './contract-tools.ts';

/** How reads and subscriptions are left. */
export const cancellationContract: ContractSuite = {
  name: 'cancellation',
  cases: [
    {
      name: 'what is aborted before it begins rejects with the reason',
      run: async ({ store }) => {
        const stream = await longStream(store);
        const reason = new RangeError('too late');
        const signal = AbortSignal.abort(reason);
        const started = [
          store.readStream(stream, { signal }),
          store.readAll({ signal }),
          store.subscribeToStream(stream, { signal }),
          store.subscribeToAll({ signal }),
        ];
        for (const each of started) assert.equal(await failure(async () => bounded(all<unknown>(each))), reason);
      },
    },
    {
      name: 'a read that is aborted half way rejects with the reason at the next page',
      run: async ({ store }) => {
        const stream = await longStream(store);
        for (const reading of [
          (signal: AbortSignal) => store.readStream(stream, { signal, pageSize: 10 }),
          (signal: AbortSignal) => store.readAll({ signal, pageSize: 10, filter: { streamPrefixes: [stream] } }),
        ]) {
          const controller = new AbortController();
          const reason = new RangeError('enough');
          let seen = 0;
          const error = await failure(async () => {
            for await (const page of reading(controller.signal).pages()) {
              seen += page.length;
              controller.abort(reason);
            }
          });
          assert.equal(error, reason);
          assert.ok(seen <= 10);
        }
      },
    },
    {
      name: 'a subscription that waits rejects with the reason when it is aborted',
      run: async ({ store }) => {
        const controller = new AbortController();
        const { signal } = controller;
        const following = [
          follow(store.subscribeToStream(newStream(), { signal })),
          follow(store.subscribeToAll({ after: 'end', filter: { streamPrefixes: [newStream()] }, signal })),
        ];
        for (const each of following) await each.until('caught-up');
        const ends = following.map(async (each) => each.end());
        await settled();
        const reason = new RangeError('enough');
        controller.abort(reason);
        for (const end of ends) assert.equal(await end, reason);
      },
    },
    {
      name: 'leaving the loop of a subscription ends it, before and after it caught up',
      run: async ({ store }) => {
        const stream = await longStream(store);
        for await (const { kind } of store.subscribeToStream(stream)) if (kind === 'event') break;
        for await (const { kind } of store.subscribeToStream(stream)) if (kind === 'caught-up') break;
        for await (const page of store.subscribeToAll().pages()) if (page.length > 0) break;
        await bounded(store.append(stream, numbered(1), { expected: 'any' }));
      },
    },
    {
      name: 'a subscription can be left while it waits',
      run: async ({ store }) => {
        const pages = store.subscribeToStream(newStream()).pages()[Symbol.asyncIterator]();
        const first = await bounded(pages.next());
        assert.ok(first.done !== true && first.value[0]?.kind === 'caught-up');
        const waiting = pages.next();
        await settled();
        await bounded(Promise.resolve(pages.return?.()));
        assert.equal((await bounded(waiting)).done, true);
      },
    },
    {
      name: '200 subscriptions that are all aborted leave a store that works',
      run: async ({ store }) => {
        const stream = newStream();
        const controller = new AbortController();
        const following = Array.from({ length: 200 }, () =>
          follow(store.subscribeToStream(stream, { signal: controller.signal })),
        );
        await Promise.all(following.map(async (each) => each.until('caught-up')));
        await store.append(stream, numbered(1), { expected: 'no-stream' });
        await Promise.all(following.map(async (each) => each.event()));
        controller.abort(new RangeError('enough'));
        await Promise.all(following.map(async (each) => each.end()));
        await store.append(stream, numbered(1), { expected: 'any' });
        assert.deepEqual(revisionsOf(await read(store, stream)), [0n, 1n]);
      },
    },
    {
      name: 'an abort after the end changes nothing',
      run: async ({ store }) => {
        const stream = await longStream(store);
        const controller = new AbortController();
        const events = await read(store, stream, { signal: controller.signal });
        controller.abort(new RangeError('late'));
        assert.equal(events.length, 200);
      },
    },
  ],
};

async function longStream(store: EventStore): Promise<StreamName> {
  const stream = newStream();
  await store.append(stream, numbered(200), { expected: 'no-stream' });
  return stream;
}
