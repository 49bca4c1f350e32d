import assert from 'node:assert/strict';

import type { EventStore } from '../store/event-store.ts';
import { revision } from '../store/position.ts';
import type { ScavengeProgress, ScavengingStore } from '../store/scavenge.ts';
import { truncateStream } from '../store/stream-metadata.ts';
import type { ContractSuite } from './contract-case.ts';
import { all, failure, idsIn, newCategory, newStream, numbered, read, revisionsOf } from './contract-tools.ts';

/** How space is freed. */
export const scavengeContract: ContractSuite = {
  name: 'scavenge',
  cases: [
    {
      name: 'a scavenge frees what no read of its stream gives, and changes nothing that a read does give',
      needs: ['scavenge'],
      run: async ({ store }) => {
        const category = newCategory();
        const [truncated, deleted, tombstoned, whole] = [
          newStream(category),
          newStream(category),
          newStream(category),
          newStream(category),
        ];
        for (const stream of [truncated, deleted, tombstoned, whole]) {
          await store.append(stream, numbered(10), { expected: 'no-stream' });
        }
        await truncateStream(store, truncated, revision(7));
        await store.deleteStream(deleted, { expected: 'any' });
        await store.tombstoneStream(tombstoned, { expected: 'any' });
        const streams = [truncated, deleted, whole, `$ce-${category}`, `$$${truncated}`] as const;
        const before = await Promise.all(streams.map(async (stream) => read(store, stream)));
        const { eventsFreed, bytesFreed } = await scavenge(scavenging(store));
        assert.ok(eventsFreed >= 7n + 9n + 10n, `only ${eventsFreed} were freed`);
        assert.ok(bytesFreed > 0n);
        assert.deepEqual(await Promise.all(streams.map(async (stream) => read(store, stream))), before);
      },
    },
    {
      name: 'a scavenge never renumbers: revisions, positions and derived numbers stay',
      needs: ['scavenge'],
      run: async ({ store }) => {
        const category = newCategory();
        const stream = newStream(category);
        await store.append(stream, numbered(10), { expected: 'no-stream' });
        const links = await read(store, `$ce-${category}`, { links: 'keep' });
        await truncateStream(store, stream, revision(8));
        const visible = await read(store, stream);
        await scavenge(scavenging(store));
        assert.deepEqual(await read(store, stream), visible);
        assert.deepEqual(revisionsOf(visible), [8n, 9n]);
        assert.deepEqual(await read(store, `$ce-${category}`, { links: 'keep' }), links);
        const { revision: last } = await store.append(stream, numbered(1), { expected: revision(9) });
        assert.equal(last, 10n);
        assert.equal((await read(store, `$ce-${category}`)).at(-1)?.link?.revision, 10n);
      },
    },
    {
      name: 'what was freed is no longer in the log; what is left is there unchanged',
      needs: ['scavenge'],
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(10), { expected: 'no-stream' });
        const filter = { streamPrefixes: [stream] };
        const before = await all(store.readAll({ filter }));
        await truncateStream(store, stream, revision(6));
        await scavenge(scavenging(store));
        assert.deepEqual(await all(store.readAll({ filter })), before.slice(6));
      },
    },
    {
      name: 'the last event of a stream is kept, even of a deleted one, which goes on after it',
      needs: ['scavenge'],
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(5), { expected: 'no-stream' });
        await store.deleteStream(stream, { expected: 'any' });
        await scavenge(scavenging(store));
        const kept = await all(store.readAll({ filter: { streamPrefixes: [stream] } }));
        assert.deepEqual(revisionsOf(kept), [4n]);
        const { firstRevision } = await store.append(stream, numbered(1), { expected: 'any' });
        assert.equal(firstRevision, 5n);
      },
    },
    {
      name: 'what was freed stays hidden when the metadata change',
      needs: ['scavenge'],
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(10), { expected: 'no-stream' });
        await truncateStream(store, stream, revision(8));
        await scavenge(scavenging(store));
        await truncateStream(store, stream, revision(1));
        assert.deepEqual(revisionsOf(await read(store, stream)), [8n, 9n]);
        assert.deepEqual(revisionsOf(await read(store, stream, { direction: 'backwards' })), [9n, 8n]);
      },
    },
    {
      name: 'a plan says what would be freed, and frees nothing; a second scavenge finds nothing',
      needs: ['scavenge'],
      run: async ({ store }) => {
        const stream = newStream();
        await scavenge(scavenging(store));
        await store.append(stream, numbered(10), { expected: 'no-stream' });
        await truncateStream(store, stream, revision(6));
        const filter = { streamPrefixes: [stream] };
        const before = await all(store.readAll({ filter }));
        const plan = await lastOf(scavenging(store).planScavenge());
        assert.deepEqual(await all(store.readAll({ filter })), before);
        const done = await scavenge(scavenging(store));
        assert.deepEqual([done.eventsFreed, done.bytesFreed], [plan.eventsFreed, plan.bytesFreed]);
        assert.equal(done.eventsFreed, 6n);
        assert.equal((await scavenge(scavenging(store))).eventsFreed, 0n);
      },
    },
    {
      name: 'appends and reads go on while a scavenge runs, and one that is left half way does no harm',
      needs: ['scavenge'],
      run: async ({ store }) => {
        const stream = newStream();
        await store.append(stream, numbered(50), { expected: 'no-stream' });
        await truncateStream(store, stream, revision(45));
        for await (const _ of scavenging(store).scavenge()) {
          await store.append(stream, numbered(1), { expected: 'any' });
          break;
        }
        await scavenge(scavenging(store));
        assert.equal((await idsIn(store, stream)).length, 6);
      },
    },
    {
      name: 'an aborted scavenge rejects with the reason',
      needs: ['scavenge'],
      run: async ({ store }) => {
        const reason = new RangeError('enough');
        await store.append(newStream(), numbered(1), { expected: 'any' });
        const signal = AbortSignal.abort(reason);
        assert.equal(await failure(async () => lastOf(scavenging(store).scavenge({ signal }))), reason);
      },
    },
  ],
};

function scavenging(store: EventStore): ScavengingStore {
  assert.ok('scavenge' in store && 'planScavenge' in store, 'the store cannot scavenge');
  return store as ScavengingStore; // It has what makes it one.
}

async function scavenge(store: ScavengingStore): Promise<ScavengeProgress> {
  return lastOf(store.scavenge());
}

async function lastOf(progress: AsyncIterable<ScavengeProgress>): Promise<ScavengeProgress> {
  let last: ScavengeProgress | undefined;
  for await (const each of progress) last = each;
  return last ?? assert.fail('it said nothing');
}
