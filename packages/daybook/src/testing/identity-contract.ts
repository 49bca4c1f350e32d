import assert from 'node:assert/strict';

import { streamName } from '../store/stream-name.ts';
import type { ContractSuite } from './contract-case.ts';
import { all, endOf, newStream, numbered, refused } from './contract-tools.ts';

/** Which log it is, and what a closed store does. */
export const identityContract: ContractSuite = {
  name: 'identity and closing',
  cases: [
    {
      name: 'a log has an id and an epoch, which stay the same',
      needs: ['log-identity'],
      run: async ({ store }) => {
        const before = await store.head();
        await store.append(newStream(), numbered(1), { expected: 'any' });
        const after = await store.head();
        assert.match(after.logId ?? '', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
        assert.ok(Number.isInteger(after.epoch));
        assert.deepEqual([after.logId, after.epoch], [before.logId, before.epoch]);
      },
    },
    {
      name: 'a log is the same log when the store is opened again, and ends where it ended',
      needs: ['log-identity', 'durability'],
      run: async ({ store, reopen }) => {
        await store.append(newStream(), numbered(1), { expected: 'any' });
        const before = await store.head();
        assert.deepEqual(await (await reopen()).head(), before);
      },
    },
    {
      name: 'a store that was disposed of refuses every call',
      run: async ({ store, reopen }) => {
        const stream = newStream();
        await store.append(stream, numbered(1), { expected: 'any' });
        await store[Symbol.asyncDispose]();
        const calls: readonly (() => Promise<unknown>)[] = [
          () => store.append(stream, numbered(1), { expected: 'any' }),
          () => store.deleteStream(stream, { expected: 'any' }),
          () => store.tombstoneStream(stream, { expected: 'any' }),
          async () => all(store.readStream(stream)),
          async () => all(store.readStream(streamName(`$ce-${stream}`))),
          async () => all(store.readAll()),
          async () => all(store.subscribeToStream(stream)),
          async () => all(store.subscribeToAll()),
          () => store.streamState(stream),
          () => store.head(),
        ];
        for (const call of calls) await refused('store-closed', call);
        await reopen();
      },
    },
    {
      name: 'a store can be disposed of twice',
      run: async ({ store, reopen }) => {
        await store[Symbol.asyncDispose]();
        await store[Symbol.asyncDispose]();
        const opened = await reopen();
        assert.ok((await endOf(opened)) >= 0n);
      },
    },
    {
      name: 'appends that were made before a store was disposed of are answered',
      run: async ({ store, reopen }) => {
        const stream = newStream();
        const appending = numbered(100).map((event) => store.append(stream, [event], { expected: 'any' }));
        const disposing = store[Symbol.asyncDispose]();
        const results = await Promise.allSettled(appending);
        await disposing;
        for (const result of results) {
          const code = result.status === 'rejected' ? String(Reflect.get(Object(result.reason), 'code')) : 'none';
          assert.match(code, /^(?:none|store-closed|unknown-outcome)$/);
        }
        await reopen();
      },
    },
  ],
};
