import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { causedBy, currentCause, eventTypeStream, jsonData, jsonEvent, streamName, type EventStore } from '../index.ts';
import { openMemoryStore } from '../memory/index.ts';
import { goldenEvents, goldenStream, SimulatedClock } from '../testing/index.ts';
import {
  checkpointHistory,
  checkpointStreamOf,
  consumer,
  readCheckpoint,
  readStatus,
  runConsumer,
  setCheckpoint,
  type ConsumerRun,
  type Place,
} from './index.ts';

const created = eventTypeStream('OrderCreated');

/** Appends so many orders, numbered from `first`. */
async function createOrders(store: EventStore, count: number, first = 1): Promise<void> {
  for (let order = first; order < first + count; order += 1) {
    const event = jsonEvent({ type: 'OrderCreated', data: { order } });
    await store.append(streamName(`CustomerOrder-${order}`), [event], { expected: 'no-stream' });
  }
}

/** A store, a clock, and what the consumers of a test have handled. */
function world(): { clock: SimulatedClock; store: EventStore; handled: unknown[] } {
  const clock = new SimulatedClock();
  return { clock, store: openMemoryStore({ now: () => clock.now() }), handled: [] };
}

/** Disposes of a run while its clock goes on. */
async function stopped(run: ConsumerRun, clock: SimulatedClock): Promise<void> {
  const stopping = run[Symbol.asyncDispose]();
  await clock.settle();
  await stopping;
}

function place(name: string): Place {
  return { source: created, consumer: name };
}

function decode(event: { readonly data: Uint8Array }): { readonly order: number } {
  return JSON.parse(Buffer.from(event.data).toString());
}

function mailTo({ order }: { readonly order: number }): readonly [{ readonly kind: 'mail'; readonly to: string }] {
  return [{ kind: 'mail', to: `customer ${order}` }];
}

describe('the pipeline of a consumer', () => {
  it('A-C1: decode, handle and interpret are three functions, and each can be tried by itself', async () => {
    const { clock, store } = world();
    const mails: string[] = [];
    const mail = ({ to }: { to: string }): void => void mails.push(to);
    assert.deepEqual(mailTo(decode({ data: Buffer.from('{"order":7}') })), [{ kind: 'mail', to: 'customer 7' }]);
    await createOrders(store, 2);
    const email = consumer('EmailOnOrderCreated', {
      from: created,
      startAt: 'beginning',
      decode,
      handle: mailTo,
      interpret: { mail },
    });
    const run = await runConsumer(store, email, { clock });
    await clock.settle();
    assert.deepEqual(mails, ['customer 1', 'customer 2']);
    await stopped(run, clock);
  });

  it('A-C15: its output may be the next command, and what that appends says what caused it', async () => {
    const { clock, store } = world();
    const golden = goldenEvents();
    await store.append(streamName(goldenStream), golden, { expected: 'no-stream' });
    const causes: unknown[] = [];
    const shipping = consumer('Shipping', {
      from: eventTypeStream('AwaitingShipment'),
      startAt: 'beginning',
      handle: ({ stream }) => [{ kind: 'ship' as const, stream }],
      interpret: { ship: ({ stream }) => void causes.push([stream, currentCause()?.causationId]) },
    });
    const run = await runConsumer(store, shipping, { clock });
    await clock.settle();
    assert.deepEqual(causes, [[goldenStream, golden[0]?.id]]);
    await stopped(run, clock);
    assert.equal(
      causedBy({ correlationId: 'a', causationId: 'b' }, () => currentCause()?.causationId),
      'b',
    );
  });

  it('A-P7: a certain event starts a workflow', async () => {
    const { clock, store, handled } = world();
    const shipping = consumer('Shipping', {
      from: eventTypeStream('AwaitingShipment'),
      startAt: 'now',
      handle: ({ stream, type }) => void handled.push(`${type} of ${stream}: ship package to customer`),
    });
    const run = await runConsumer(store, shipping, { clock });
    await clock.settle();
    await store.append(streamName(goldenStream), goldenEvents(), { expected: 'no-stream' });
    await clock.settle();
    assert.deepEqual(handled, [`AwaitingShipment of ${goldenStream}: ship package to customer`]);
    await stopped(run, clock);
  });

  it('A-C2: the checkpoint does not move before interpret is done', async () => {
    const { clock, store } = world();
    await createOrders(store, 1);
    const { promise, resolve } = Promise.withResolvers<void>();
    const slow = consumer('Slow', {
      from: created,
      startAt: 'beginning',
      handle: () => [{ kind: 'wait' as const }],
      interpret: { wait: () => promise },
    });
    const run = await runConsumer(store, slow, { clock });
    await clock.advance(5_000);
    assert.equal((await readCheckpoint(store, place('Slow')))?.pos, -1n);
    resolve();
    await clock.advance(1_000);
    assert.equal((await readCheckpoint(store, place('Slow')))?.pos, 0n);
    await stopped(run, clock);
  });
});

describe('the checkpoint of a consumer', () => {
  it('A-C3: A-C9: a run goes on with the event after the last checkpoint', async () => {
    const { clock, store, handled } = world();
    const each = consumer('Each', {
      from: created,
      startAt: 'beginning',
      handle: (event) => void handled.push((jsonData(event) as { order: number }).order),
    });
    await createOrders(store, 3);
    const first = await runConsumer(store, each, { clock });
    await clock.advance(1_000);
    await stopped(first, clock);
    await createOrders(store, 2, 4);
    const second = await runConsumer(store, each, { clock });
    await clock.advance(1_000);
    await stopped(second, clock);
    assert.deepEqual(handled, [1, 2, 3, 4, 5]);
  });

  it('A-C4: A-C5: A-C10: it is an event named checkpoint with a pos, in a stream of the right name, made by itself', async () => {
    const { clock, store } = world();
    await createOrders(store, 3);
    const email = consumer('EmailOnOrderCreated', {
      from: created,
      startAt: 'beginning',
      version: '1.2.3',
      handle: () => {},
    });
    const run = await runConsumer(store, email, { clock });
    await clock.advance(1_000);
    await stopped(run, clock);
    const stream = streamName('etOrderCreated_EmailOnOrderCreated_checkpoints');
    const events = await Array.fromAsync(store.readStream(stream));
    const last = events.at(-1);
    assert.ok(last);
    assert.equal(last.type, 'checkpoint');
    const data = jsonData(last) as Record<string, unknown>;
    const { logId, epoch } = await store.head();
    const [third] = await Array.fromAsync(store.readStream(streamName('CustomerOrder-3')));
    assert.deepEqual(
      { ...data, at: 0, host: 0 },
      {
        pos: 2,
        eventId: third?.id,
        logId,
        epoch,
        token: 1,
        host: 0,
        version: '1.2.3',
        at: 0,
        source: '$et-OrderCreated',
        consumer: 'EmailOnOrderCreated',
      },
    );
    assert.equal((await store.streamState(stream)).metadata.maxCount, 1_000);
  });

  it('A-C7: a new name must say where it begins, and is announced', async () => {
    const { clock, store } = world();
    const renamed = consumer('EmailOnOrderRouted', { from: created, handle: () => {} });
    await assert.rejects(runConsumer(store, renamed, { clock }), {
      code: 'consumer-is-new',
      consumer: 'EmailOnOrderRouted',
      message: /etOrderCreated_EmailOnOrderRouted_checkpoints.*startAt/,
    });
    assert.equal((await readStatus(store, 'EmailOnOrderRouted'))?.state, 'failed');
    const explicit = consumer('EmailOnOrderRouted', { from: created, startAt: 'now', handle: () => {} });
    const run = await runConsumer(store, explicit, { clock });
    await clock.settle();
    const events = await Array.fromAsync(store.readStream(streamName('$consumer-EmailOnOrderRouted')));
    const started = events.find(({ type }) => type === 'ConsumerStarted');
    assert.equal(started && (jsonData(started) as { isNew?: boolean }).isNew, true);
    await stopped(run, clock);
  });

  it('A-C8: begins with the first event, with what is new, after a number, or at a time, as it was told', async () => {
    const { clock, store } = world();
    await createOrders(store, 2);
    await clock.advance(60_000);
    const later = new Date(clock.now());
    await createOrders(store, 2, 3);
    const seen: Record<string, number[]> = {};
    const starts = { Beginning: 'beginning', Now: 'now', After: 0n, At: later } as const;
    const runs: ConsumerRun[] = [];
    for (const [name, startAt] of Object.entries(starts)) {
      const handle = (event: Parameters<typeof jsonData>[0]): void =>
        void (seen[name] ??= []).push((jsonData(event) as { order: number }).order);
      runs.push(await runConsumer(store, consumer(name, { from: created, startAt, handle }), { clock }));
    }
    await clock.settle();
    await createOrders(store, 1, 5);
    await clock.settle();
    assert.deepEqual(seen, { Beginning: [1, 2, 3, 4, 5], Now: [5], After: [2, 3, 4, 5], At: [3, 4, 5] });
    for (const run of runs) await stopped(run, clock);
  });

  it('A-C11: A-C13: two services on one stream keep checkpoints of their own', async () => {
    const { clock, store } = world();
    await createOrders(store, 2);
    const one = await runConsumer(store, consumer('One', { from: created, startAt: 'beginning', handle: () => {} }), {
      clock,
    });
    const never = consumer('Two', { from: created, startAt: 'beginning', handle: () => new Promise<void>(() => {}) });
    const two = await runConsumer(store, never, { clock, stopMs: 1 });
    await clock.advance(1_000);
    assert.equal((await readCheckpoint(store, place('One')))?.pos, 1n);
    assert.equal((await readCheckpoint(store, place('Two')))?.pos, -1n);
    await stopped(one, clock);
    const stopping = two[Symbol.asyncDispose]();
    await clock.advance(10);
    await stopping;
  });

  it('A-C14: a person sets it while the consumer runs, which goes on from there', async () => {
    const { clock, store, handled } = world();
    await createOrders(store, 4);
    const each = consumer('Each', {
      from: created,
      startAt: 'beginning',
      handle: (event) => void handled.push((jsonData(event) as { order: number }).order),
    });
    const run = await runConsumer(store, each, { clock });
    await clock.advance(1_000);
    const change = await setCheckpoint(store, place('Each'), { to: 1n, who: 'ann', why: 'two were lost' });
    assert.deepEqual(change, { source: '$et-OrderCreated', from: 3n, to: 1n, events: 2n });
    await clock.advance(1_000);
    assert.deepEqual(handled, [1, 2, 3, 4, 3, 4]);
    assert.equal((await readCheckpoint(store, place('Each')))?.pos, 3n);
    await stopped(run, clock);
  });

  it('A-C16: its history says where the consumer was at a time', async () => {
    const { clock, store } = world();
    const each = consumer('Each', { from: created, startAt: 'beginning', handle: () => {} });
    const run = await runConsumer(store, each, { clock });
    const times: number[] = [];
    for (let order = 1; order <= 3; order += 1) {
      await createOrders(store, 1, order);
      await clock.advance(60_000);
      times.push(clock.now());
    }
    const history = await Array.fromAsync(checkpointHistory(store, place('Each')));
    const at = (ms: number): bigint | undefined => history.find(({ created: time }) => time.getTime() < ms)?.pos;
    assert.deepEqual(times.map(at), [0n, 1n, 2n]);
    await stopped(run, clock);
  });
});

describe('the name of a checkpoint stream', () => {
  it('A-C6: two that become the same are refused, in one consumer or in two', async () => {
    const { clock, store } = world();
    assert.equal(checkpointStreamOf(streamName('$ce-AB'), 'X'), checkpointStreamOf(streamName('$ceA-B'), 'X'));
    const both = {
      from: [streamName('$ce-AB'), streamName('$ceA-B')],
      startAt: 'beginning',
      handle: () => {},
    } as const;
    assert.throws(() => consumer('X', both), { code: 'invalid-option', message: /same checkpoint stream/ });
    const first = consumer('X', { from: streamName('$ce-AB'), startAt: 'beginning', handle: () => {} });
    const run = await runConsumer(store, first, { clock });
    await clock.settle();
    await stopped(run, clock);
    const second = consumer('X', { from: streamName('$ceA-B'), startAt: 'beginning', handle: () => {} });
    await assert.rejects(runConsumer(store, second, { clock }), {
      code: 'checkpoint-collision',
      message: /belongs to X on \$ce-AB already/,
    });
  });
});
