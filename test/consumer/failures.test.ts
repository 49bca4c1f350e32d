import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { StoreUnavailable, streamName, type RecordedEvent } from 'daybook';
import {
  consumer,
  readCheckpoint,
  readParked,
  readStatus,
  requestControl,
  setCheckpoint,
  statusHistory,
  type ConsumerOptions,
  type ConsumerRun,
  type EffectOf,
} from 'daybook/consumer';

import { customerOf, placed, placeOf, World } from './support/world.ts';

type Options = Partial<ConsumerOptions<typeof placed, RecordedEvent, EffectOf>>;

/** A consumer that notes what it has handled, and fails where `fails` says so. */
function noting(
  handled: string[],
  fails: (event: RecordedEvent) => unknown,
  options: Options = {},
): ReturnType<typeof consumer> {
  return consumer('Noting', {
    from: placed,
    startAt: 'beginning',
    handle: async (event) => {
      await fails(event);
      handled.push(placeOf(event));
    },
    ...options,
  });
}

function poisonOfA(event: RecordedEvent): void {
  if (customerOf(event) === 'a') throwing('poison');
}

function poisonOfFirst(event: RecordedEvent): void {
  if (placeOf(event) === '0@Customer-a') throwing('poison');
}

function hangingAtA(event: RecordedEvent): Promise<void> | undefined {
  return customerOf(event) === 'a' ? new Promise<void>(() => {}) : undefined;
}

function throwing(message: string): never {
  throw new Error(message);
}

describe('R14: a handler that throws always', () => {
  it('O-0: is tried again with growing pauses, then the consumer has failed, visibly, and goes on when told to', async () => {
    await using world = new World();
    const handled: string[] = [];
    const tries: number[] = [];
    let isBroken = true;
    const fails = (event: RecordedEvent): void => {
      if (customerOf(event) === 'b') tries.push(world.clock.now());
      if (customerOf(event) === 'b' && isBroken) throwing('no such table');
    };
    await world.place('a', 'b', 'c');
    const run = await world.run(noting(handled, fails, { retry: { attempts: 5 } }));
    assert.equal(run.state, 'retrying');
    await world.clock.until(() => run.state === 'failed');
    const pauses = tries.slice(1).map((time, index) => time - (tries[index] ?? 0));
    assert.equal(tries.length, 5);
    assert.ok(
      pauses.every((pause, i) => i === 0 || pause > (pauses[i - 1] ?? 0) * 0.99),
      `not growing: ${pauses.join()}`,
    );
    await world.clock.settle();
    const status = await readStatus(world.store, 'Noting');
    assert.equal(status?.state, 'failed');
    assert.equal(status.attempts, 5);
    assert.match(status.error ?? '', /no such table/);
    assert.match(status.reason ?? '', /OrderPlaced 0@Customer-b/);
    assert.ok(status.failingSince !== undefined);
    await world.place('d');
    await world.clock.advance(3_600_000);
    assert.deepEqual(handled, ['0@Customer-a'], 'it went on behind an event that it has not handled');
    const later = await readStatus(world.store, 'Noting');
    assert.ok(world.clock.now() - (later?.created.getTime() ?? 0) <= 10_000, 'it has no heartbeat any more');
    isBroken = false;
    await requestControl(world.store, 'Noting', { kind: 'retry', who: 'ann', why: 'the table is there' });
    await world.clock.settle();
    assert.deepEqual(handled, ['0@Customer-a', '0@Customer-b', '0@Customer-c', '0@Customer-d']);
    assert.equal(run.state, 'live');
  });

  it('a run that is to end with it says so: done rejects, and never resolves as if all were well', async () => {
    await using world = new World();
    await world.place('a');
    const run = await world.run(
      noting([], () => throwing('broken'), { retry: { attempts: 1 } }),
      { whenFailed: 'end' },
    );
    await assert.rejects(run.done, { code: 'consumer-failed', message: /broken/ });
    assert.equal(run.state, 'failed');
    await assert.rejects(run.reached((await world.store.head()).position!), { code: 'consumer-not-there' });
  });

  it('a skip needs a reason, names the event, and lets the others go on', async () => {
    await using world = new World();
    const handled: string[] = [];
    await world.place('a', 'b');
    const run = await world.run(noting(handled, poisonOfA, { retry: { attempts: 1 } }));
    assert.equal(run.state, 'failed');
    await world.clock.settle();
    const status = await readStatus(world.store, 'Noting');
    const skip = {
      kind: 'skip',
      stream: status?.failingStream ?? '',
      eventId: status?.failingId ?? '',
      who: 'ann',
    } as const;
    await assert.rejects(requestControl(world.store, 'Noting', { ...skip, why: ' ' }), { code: 'invalid-option' });
    await requestControl(world.store, 'Noting', { ...skip, why: 'a test order' });
    await world.clock.settle();
    assert.deepEqual(handled, ['0@Customer-b']);
    assert.equal(run.state, 'live');
  });
});

describe('an event that was skipped', () => {
  it('stays skipped after a restart and a rewind', async () => {
    await using world = new World();
    const handled: string[] = [];
    const noticing = noting(handled, poisonOfA, { retry: { attempts: 1 } });
    await world.place('a', 'b');
    const run = await world.run(noticing);
    await world.clock.settle();
    const { failingStream: stream = '', failingId: eventId = '' } = (await readStatus(world.store, 'Noting')) ?? {};
    await requestControl(world.store, 'Noting', { kind: 'skip', stream, eventId, who: 'ann', why: 'test order' });
    await world.clock.settle();
    await world.stop(run);
    await setCheckpoint(world.store, { source: placed, consumer: 'Noting' }, { to: 'start', who: 'ann', why: 'again' });
    const again = await world.run(noticing);
    assert.equal(again.state, 'live');
    assert.deepEqual(handled, ['0@Customer-b', '0@Customer-b']);
  });
});

describe('R14: a handler that throws sometimes', () => {
  it('loses nothing, and keeps the order of each stream', async () => {
    await using world = new World();
    const handled: string[] = [];
    const fails = (): void => void (world.clock.random() < 0.3 && throwing('sometimes'));
    for (let i = 0; i < 20; i += 1) await world.place('a', 'b', 'c', 'd', 'e');
    const run = await world.run(noting(handled, fails, { concurrency: 4, retry: { attempts: 50 } }));
    await world.clock.until(() => run.state === 'live');
    assert.equal(handled.length, 100);
    for (const customer of ['a', 'b', 'c', 'd', 'e']) {
      const own = handled.filter((place) => place.endsWith(customer));
      assert.deepEqual(
        own,
        Array.from({ length: 20 }, (_, i) => `${i}@Customer-${customer}`),
      );
    }
  });

  it('one failure of one of two consumers does not keep later events from it, nor from the other', async () => {
    await using world = new World();
    const [one, other]: [string[], string[]] = [[], []];
    let failures = 1;
    const run = await world.run(noting(one, () => void (failures-- > 0 && throwing('once'))));
    const second = consumer('Other', {
      from: placed,
      startAt: 'beginning',
      handle: (event) => void other.push(placeOf(event)),
    });
    await world.run(second);
    await world.place('a', 'b', 'a');
    await world.clock.until(() => run.state === 'live' && one.length === 3);
    assert.deepEqual(one, ['0@Customer-a', '0@Customer-b', '1@Customer-a']);
    assert.deepEqual(other, one);
  });
});

describe('R14: a handler that never returns', () => {
  it('is given up when its time is over, and the consumer has failed', async () => {
    await using world = new World();
    await world.place('a');
    let isAborted = false;
    const never = consumer('Never', {
      from: placed,
      startAt: 'beginning',
      timeoutMs: 5_000,
      handle: (_, { signal }) => {
        signal.addEventListener('abort', () => (isAborted = true));
        return new Promise<void>(() => {});
      },
    });
    const run = await world.run(never, { stopMs: 100 });
    await world.clock.advance(4_000);
    assert.equal(isAborted, false);
    await world.clock.advance(3_000);
    assert.equal(isAborted, true);
    assert.equal(run.state, 'failed');
    await world.clock.settle();
    assert.match((await readStatus(world.store, 'Never'))?.error ?? '', /did not return within 5000 ms.*left behind/);
  });

  it('with park-stream only its own stream waits', async () => {
    await using world = new World();
    const handled: string[] = [];
    const run = await world.run(noting(handled, hangingAtA, { timeoutMs: 5_000, retry: { then: 'park-stream' } }), {
      stopMs: 1,
    });
    await world.place('a', 'b');
    await world.clock.until(() => handled.length === 1);
    assert.deepEqual([...(await readParked(world.store, 'Noting')).keys()], ['Customer-a']);
    assert.equal(run.state, 'live');
  });
});

describe('a stream that is parked', () => {
  it('keeps its order when it is retried, while others go on, and after a restart', async () => {
    await using world = new World();
    const handled: string[] = [];
    let isBroken = true;
    const fails = (event: RecordedEvent): void => void (customerOf(event) === 'a' && isBroken && throwing('poison'));
    const parking = noting(handled, fails, { retry: { attempts: 3, then: 'park-stream' } });
    const run = await world.run(parking);
    await world.place('a', 'b', 'a', 'b');
    await world.clock.until(async () => (await readParked(world.store, 'Noting')).get('Customer-a')?.length === 2);
    await world.stop(run);
    const again = await world.run(parking);
    await world.place('a', 'b');
    assert.deepEqual(handled, ['0@Customer-b', '1@Customer-b', '2@Customer-b']);
    const parked = (await readParked(world.store, 'Noting')).get('Customer-a') ?? [];
    assert.deepEqual(
      parked.map(({ revision }) => revision),
      [0n, 1n, 2n],
    );
    assert.match(parked[0]?.error ?? '', /poison/);
    assert.equal(parked[0]?.attempts, 3);
    await requestControl(world.store, 'Noting', { kind: 'retry', who: 'ann', why: 'try' });
    await world.clock.settle();
    assert.equal((await readParked(world.store, 'Noting')).get('Customer-a')?.[0]?.attempts, 4, 'it failed again');
    isBroken = false;
    await requestControl(world.store, 'Noting', { kind: 'retry', stream: 'Customer-a', who: 'ann', why: 'fixed' });
    await world.place('a');
    await world.clock.settle();
    assert.deepEqual(
      handled.slice(3),
      [0, 1, 2, 3].map((revision) => `${revision}@Customer-a`),
    );
    assert.equal((await readParked(world.store, 'Noting')).size, 0);
    assert.equal(again.state, 'live');
  });

  it('a skip leaves out its first event, says who and why, and goes on with the rest', async () => {
    await using world = new World();
    const handled: string[] = [];
    await world.run(noting(handled, poisonOfFirst, { retry: { attempts: 1, then: 'park-stream' } }));
    await world.place('a', 'a');
    const [first] = (await readParked(world.store, 'Noting')).get('Customer-a') ?? [];
    const skip = {
      kind: 'skip',
      stream: 'Customer-a',
      eventId: first?.id ?? '',
      who: 'ann',
      why: 'test order',
    } as const;
    await requestControl(world.store, 'Noting', skip);
    await world.clock.settle();
    assert.deepEqual(handled, ['1@Customer-a']);
    const all = await Array.fromAsync(world.memory.readAll({ filter: { eventTypes: ['ParkedEventSkipped'] } }));
    assert.match(Buffer.from(all[0]?.data ?? []).toString(), /"who":"ann","why":"test order"/);
  });
});

describe('an outage', () => {
  it('of what every event needs pauses the consumer: nothing is parked, nothing is lost, and it ends by itself', async () => {
    await using world = new World();
    const handled: string[] = [];
    let isDown = true;
    const fails = (): void => {
      if (isDown) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    };
    const run = await world.run(
      noting(handled, fails, { concurrency: 4, retry: { attempts: 3, then: 'park-stream' } }),
    );
    for (let customer = 0; customer < 100; customer += 1) await world.place(customer);
    await world.clock.advance(600_000);
    assert.equal(run.state, 'retrying');
    assert.deepEqual(handled, []);
    isDown = false;
    await world.clock.advance(60_000);
    assert.equal(run.state, 'live');
    assert.equal(handled.length, 100);
    assert.equal((await world.memory.streamState(streamName('$parked-Noting'))).status, 'no-stream');
    const states = (await Array.fromAsync(statusHistory(world.store, 'Noting'))).filter(
      ({ type }) => type === 'ConsumerStateChanged',
    );
    assert.deepEqual(
      states.map(({ state }) => state),
      ['live', 'catching-up', 'retrying', 'live'],
      'it flickered',
    );
  });

  it('is noticed too when its errors say nothing: when stream after stream fails', async () => {
    await using world = new World();
    const handled: string[] = [];
    let isDown = true;
    const run = await world.run(
      noting(handled, () => void (isDown && throwing('?')), { retry: { attempts: 3, then: 'park-stream' } }),
    );
    for (let customer = 0; customer < 20; customer += 1) await world.place(customer);
    await world.clock.advance(600_000);
    assert.equal(run.state, 'retrying');
    isDown = false;
    await world.clock.advance(60_000);
    assert.equal(handled.length, 20);
    assert.equal((await readParked(world.store, 'Noting')).size, 0);
  });

  it('of the store: it subscribes anew, after pauses, and goes on after its checkpoint', async () => {
    await using world = new World();
    const handled: string[] = [];
    const run: ConsumerRun = await world.run(noting(handled, () => {}));
    await world.place('a', 'b');
    await world.clock.advance(1_000);
    world.breakStore(new StoreUnavailable('nobody answers'));
    await world.place('c');
    await world.clock.advance(120_000);
    assert.equal(run.state, 'retrying');
    world.breakStore();
    await world.clock.advance(60_000);
    assert.equal(run.state, 'live');
    assert.deepEqual([...new Set(handled)], ['0@Customer-a', '0@Customer-b', '0@Customer-c']);
    assert.equal((await readCheckpoint(world.store, { source: placed, consumer: 'Noting' }))?.pos, 2n);
  });
});
