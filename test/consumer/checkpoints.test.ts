import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { jsonEvent, streamName, type EventStore } from 'daybook';
import {
  appendCheckpoint,
  consumer,
  readCheckpoint,
  readControls,
  readStatus,
  requestControl,
  runConsumer,
  setCheckpoint,
  undoCheckpoint,
  type Place,
} from 'daybook/consumer';
import { openSqliteStore, restoreSqliteStore } from 'daybook/sqlite';

import { customerOf, placed, placeOf, World } from './support/world.ts';

const place: Place = { source: placed, consumer: 'Each' };
const checkpoints = streamName('etOrderPlaced_Each_checkpoints');

function each(handled: string[] = []): ReturnType<typeof consumer> {
  return consumer('Each', { from: placed, startAt: 'beginning', handle: (event) => void handled.push(placeOf(event)) });
}

describe('a checkpoint that does not fit the log', () => {
  it('with another event at its place is refused, and says which', async () => {
    await using world = new World();
    await world.place('a', 'b');
    const checkpoint = { pos: 1n, eventId: '00000000-0000-4000-8000-000000000000' };
    await appendCheckpoint(world.memory, place, { checkpoint, expected: 'no-stream' });
    await assert.rejects(world.run(each()), { code: 'checkpoint-mismatch', pos: 1n, seenId: checkpoint.eventId });
    const status = await readStatus(world.memory, 'Each');
    assert.equal(status?.state, 'failed');
    assert.match(status.error ?? '', /CheckpointMismatch.*daybook checkpoint set/);
  });

  it('of another log is refused, and goes on once a person has looked and set it', async () => {
    await using world = new World();
    await world.place('a', 'b', 'c');
    const checkpoint = { pos: 1n, logId: 'another', epoch: 0 };
    await appendCheckpoint(world.memory, place, { checkpoint, expected: 'no-stream' });
    await assert.rejects(world.run(each()), { code: 'checkpoint-of-other-log', message: /made on log another/ });
    await setCheckpoint(world.memory, place, { to: 1n, who: 'ann', why: 'compared by hand' });
    const handled: string[] = [];
    await world.run(each(handled));
    assert.deepEqual(handled, ['0@Customer-c']);
  });

  it('of this log before it was restored is refused', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'daybook-consumer-'));
    try {
      const path = join(folder, 'x.db');
      {
        await using store = await openSqliteStore(path);
        await store.append(streamName('Customer-a'), [jsonEvent({ type: 'OrderPlaced', data: {} })], {
          expected: 'any',
        });
        await using run = await runConsumer(store, each());
        await run.reached((await store.head()).position!);
        await run[Symbol.asyncDispose]();
        await Array.fromAsync(store.backup(join(folder, 'copy.db')));
      }
      await restoreSqliteStore(join(folder, 'copy.db'), join(folder, 'restored.db'));
      await using restored = await openSqliteStore(join(folder, 'restored.db'));
      await assert.rejects(runConsumer(restored, each()), {
        code: 'checkpoint-of-other-log',
        message: /epoch 0, and this is epoch 1/,
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('cannot be read: the consumer does not guess, and setting one is the way out', async () => {
    await using world = new World();
    await world.place('a');
    const odd: readonly unknown[] = [{ pos: 'x' }, { pos: -7 }, { pos: 0.5 }, [], null];
    for (const data of odd) {
      await world.memory.append(checkpoints, [jsonEvent({ type: 'checkpoint', data })], { expected: 'any' });
      await assert.rejects(world.run(each()), { code: 'checkpoint-unreadable' }, JSON.stringify(data));
    }
    await setCheckpoint(world.memory, place, { to: 'start', who: 'ann', why: 'was odd' });
    const handled: string[] = [];
    await world.run(each(handled));
    assert.deepEqual(handled, ['0@Customer-a']);
  });

  it("A-C4: the article's own checkpoint, only a pos, is followed", async () => {
    await using world = new World();
    await world.place('a', 'b');
    await world.memory.append(checkpoints, [jsonEvent({ type: 'checkpoint', data: { pos: 0 } })], { expected: 'any' });
    const handled: string[] = [];
    await world.run(each(handled));
    assert.deepEqual(handled, ['0@Customer-b']);
  });
});

describe('setting a checkpoint', () => {
  it('is taken back by undo, whatever the consumer has written since', async () => {
    await using world = new World();
    const handled: string[] = [];
    await world.run(each(handled));
    await world.place('a', 'b', 'c');
    await world.clock.advance(1_000);
    await setCheckpoint(world.memory, place, { to: 0n, who: 'ann', why: 'wrong' });
    await world.clock.advance(1_000);
    const undone = await undoCheckpoint(world.memory, place, { who: 'ann', why: 'undone' });
    assert.equal(undone.to, 2n);
    const kinds = (await readControls(world.memory, 'Each')).map(({ kind, who }) => `${kind} ${who}`);
    assert.deepEqual(kinds, ['rewind ann', 'rewind ann']);
    const other = { source: placed, consumer: 'Other' };
    await assert.rejects(undoCheckpoint(world.memory, other, { who: 'ann', why: 'x' }), { code: 'no-checkpoint' });
  });

  it('while nobody runs is what the next run begins with', async () => {
    await using world = new World();
    await world.place('a', 'b', 'c');
    const first: string[] = [];
    await world.stop(await world.run(each(first)));
    await setCheckpoint(world.memory, place, { to: new Date(0), who: 'ann', why: 'all again' });
    const second: string[] = [];
    await world.run(each(second));
    assert.deepEqual(second, first);
  });
});

describe('what was handled beyond the checkpoint', () => {
  it('is not handled again after a restart, although an earlier event still waits', async () => {
    await using world = new World();
    const handled: string[] = [];
    let isBroken = true;
    const several = consumer('Each', {
      from: placed,
      startAt: 'beginning',
      concurrency: 2,
      retry: { attempts: 1_000 },
      handle: (event) => {
        if (customerOf(event) === 'a' && isBroken) throw new Error('not yet');
        handled.push(placeOf(event));
      },
    });
    const run = await world.run(several);
    await world.place('a', 'b', 'c', 'b');
    await world.clock.advance(1_000);
    const checkpoint = await readCheckpoint(world.memory, place);
    assert.deepEqual([checkpoint?.pos, checkpoint?.ahead], [-1n, [[1, 3]]]);
    await world.stop(run);
    isBroken = false;
    await world.run(several);
    assert.deepEqual(handled, ['0@Customer-b', '0@Customer-c', '1@Customer-b', '0@Customer-a']);
  });
});

describe('what a person asked for while nobody ran', () => {
  it('is obeyed at the next start, and only once', async () => {
    await using world = new World();
    let tries = 0;
    const failing = consumer('Each', {
      from: placed,
      startAt: 'beginning',
      retry: { attempts: 1, then: 'park-stream' },
      handle: () => {
        tries += 1;
        throw new Error('poison');
      },
    });
    await world.place('a');
    await world.stop(await world.run(failing));
    assert.equal(tries, 1);
    await requestControl(world.memory, 'Each', { kind: 'retry', who: 'ann', why: 'try' });
    const run = await world.run(failing);
    await world.clock.advance(20_000);
    assert.equal(tries, 2);
    await world.stop(run);
    await world.run(failing);
    await world.clock.advance(20_000);
    assert.equal(tries, 2);
  });
});

describe('batches', () => {
  it('hand over many events at once, in order, and find the bad one', async () => {
    await using world = new World();
    const batches: string[][] = [];
    const bad = consumer('Each', {
      from: placed,
      startAt: 'beginning',
      batch: 4,
      retry: { attempts: 2, then: 'park-stream' },
      handleBatch: (events) => {
        if (events.some((event) => customerOf(event) === 'bad')) throw new Error('constraint');
        batches.push(events.map(placeOf));
      },
    });
    await world.place('a', 'a', 'b', 'a', 'c', 'bad', 'c', 'd', 'bad');
    await world.run(bad);
    await world.clock.advance(60_000);
    assert.deepEqual(batches[0], ['0@Customer-a', '1@Customer-a', '0@Customer-b', '2@Customer-a']);
    assert.deepEqual(batches.flat().toSorted(), [
      '0@Customer-a',
      '0@Customer-b',
      '0@Customer-c',
      '0@Customer-d',
      '1@Customer-a',
      '1@Customer-c',
      '2@Customer-a',
    ]);
    assert.equal((await readCheckpoint(world.memory, place))?.pos, 8n);
  });
});

describe('concurrency', () => {
  it('handles several streams at once, never more than it may, and never two events of one', async () => {
    await using world = new World();
    const running = new Set<string>();
    let most = 0;
    const many = consumer('Each', {
      from: placed,
      startAt: 'beginning',
      concurrency: 3,
      handle: async (event) => {
        assert.ok(!running.has(event.stream), `two of ${event.stream} at once`);
        running.add(event.stream);
        most = Math.max(most, running.size);
        await world.clock.sleep(1_000);
        running.delete(event.stream);
      },
    });
    for (let i = 0; i < 5; i += 1) await world.place('a', 'b', 'c', 'd', 'e');
    const run = await world.run(many);
    await world.clock.until(() => run.state === 'live', 60_000);
    assert.equal(most, 3);
  });

  it('takes on no more than fits into its window', async () => {
    await using world = new World();
    let handled = 0;
    const slow = consumer('Each', {
      from: placed,
      startAt: 'beginning',
      handle: async () => {
        await world.clock.sleep(1_000);
        handled += 1;
      },
    });
    for (let i = 0; i < 20; i += 1) await world.place(i);
    await world.run(slow, { window: 5 });
    await world.clock.advance(60_000);
    assert.equal(handled, 20);
  });
});

describe('types', () => {
  it('the handler gets what the source, or decode, gives, and effects are interpreted by kind', () => {
    const store: EventStore | undefined = undefined;
    assert.equal(store, undefined);
    consumer('Typed', {
      from: placed,
      decode: (event) => ({ customer: customerOf(event) }),
      handle: ({ customer }) => [{ kind: 'mail' as const, to: customer }],
      interpret: { mail: ({ to }) => to.length },
    });
    consumer('Typed', {
      from: placed,
      // @ts-expect-error -- There is no such field of a recorded event.
      handle: ({ customer }) => customer,
    });
    consumer('Typed', {
      from: placed,
      handle: () => [{ kind: 'mail' as const, to: 'a' }],
      // @ts-expect-error -- Nothing interprets a mail.
      interpret: { fax: () => {} },
    });
    assert.throws(() => consumer('Not-Allowed', { from: placed, handle: () => {} }), { code: 'invalid-option' });
    assert.throws(() => consumer('None', { from: [], handle: () => {} }), { code: 'invalid-option' });
  });
});
