import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { eventTypeStream, jsonEvent, streamName } from 'daybook';
import {
  consumer,
  lookAtConsumer,
  publishStatus,
  readStatus,
  requestControl,
  type DatabaseAnswer,
} from 'daybook/consumer';

import { each, gone, short, watched } from './support/watched.ts';
import { placed, World } from './support/world.ts';

const emptyDatabase = async (): Promise<DatabaseAnswer> => ({ numbers: new Map(), sinceMs: 0 });

function poison(): never {
  throw new TypeError('x is undefined');
}

describe('B1: a watch that looks at the log alone', () => {
  it('O-1: B1: a: a process that is gone is noticed, with the consumer, the event and its age', async () => {
    await using world = new World();
    await world.run(each('Mailing'));
    await world.place('a');
    await world.clock.advance(1_000);
    await watched(world, async (notices) => {
      world.breakStore(gone);
      await world.place('b');
      await world.clock.advance(65_000);
      assert.deepEqual(short(notices), ['raised silent Mailing']);
      const summary = notices[0]?.alert.summary ?? '';
      assert.match(
        summary,
        /^Mailing says nothing any more: last heartbeat 3\d s ago; last handled 0 of \$et-OrderPlaced; /,
      );
      assert.match(summary, /OrderPlaced 0@Customer-b waits for 3\d s, 1 in all/);
      world.breakStore();
      await world.clock.advance(60_000);
      assert.deepEqual(short(notices), ['raised silent Mailing', 'resolved silent Mailing']);
    });
  });

  it('O-1: B1: b: a handler that hangs is noticed', async () => {
    await using world = new World();
    const hanging = consumer('Mailing', {
      from: placed,
      startAt: 'beginning',
      timeoutMs: 86_400_000,
      handle: () => new Promise<void>(() => {}),
    });
    await world.run(hanging, { stopMs: 1 });
    await watched(world, async (notices) => {
      await world.place('a');
      await world.clock.advance(65_000);
      assert.deepEqual(short(notices), ['raised stalled Mailing']);
      const status = await readStatus(world.memory, 'Mailing');
      assert.equal(status?.busyWith, 'OrderPlaced 0@Customer-a');
      assert.ok((status.busyMs ?? 0) > 50_000);
    });
  });

  it('O-1: B1: c: a consumer that was never deployed is noticed', async () => {
    await using world = new World();
    await watched(
      world,
      async (notices) => {
        await world.clock.advance(5_000);
        assert.deepEqual(short(notices), ['raised never-started Mailing']);
      },
      { expect: [each('Mailing')] },
    );
  });

  it('B1: d: a heartbeat that says all is well convinces nobody', async () => {
    await using world = new World();
    await world.run(each('Mailing'));
    await world.place('a');
    await world.clock.advance(1_000);
    const status = await readStatus(world.memory, 'Mailing');
    assert.ok(status);
    world.breakStore(gone);
    await watched(world, async (notices) => {
      await world.place('b');
      for (let i = 0; i < 13; i += 1) {
        // What goes on beating knows nothing of what it beats for.
        await publishStatus(world.memory, 'ConsumerHeartbeatSent', { ...status, state: 'live' });
        await world.clock.advance(5_000);
      }
      assert.deepEqual(short(notices), ['raised stalled Mailing']);
    });
  });

  it('B1: e: a consumer of a quiet event type is left alone, although the log moves', async () => {
    await using world = new World();
    const quiet = consumer('Quiet', { from: eventTypeStream('OrderLost'), startAt: 'beginning', handle: () => {} });
    await world.run(quiet, { leaseMs: 120_000 });
    await watched(world, async (notices) => {
      for (let minute = 0; minute < 240; minute += 1) {
        await world.place('a');
        await world.clock.advance(60_000);
      }
      assert.deepEqual(short(notices), []);
    });
  });

  it('B1: f: no false alarm in a day of work, restarts and a pause', async () => {
    await using world = new World();
    const slow = consumer('Mailing', {
      from: placed,
      startAt: 'beginning',
      heartbeatMs: 60_000,
      handle: () => world.clock.sleep(world.clock.random() * 3_000),
    });
    let run = await world.run(slow, { leaseMs: 120_000 });
    await watched(
      world,
      async (notices) => {
        for (let quarter = 0; quarter < 96; quarter += 1) {
          for (let i = 0; i < 5; i += 1) await world.place(Math.floor(world.clock.random() * 10));
          if (quarter % 24 === 7) {
            await world.stop(run);
            await world.clock.advance(20_000);
            run = await world.run(slow, { leaseMs: 120_000 });
          }
          if (quarter === 50) {
            const until = new Date(world.clock.now() + 1_800_000);
            await requestControl(world.memory, 'Mailing', { kind: 'pause', until, who: 'ann', why: 'move' });
          }
          await world.clock.advance(900_000);
        }
        assert.deepEqual(short(notices), []);
        assert.equal(run.state, 'live');
      },
      { everyMs: 30_000 },
    );
  });

  it('B1: a database that has fallen back, as after a switch back, has only just moved', async () => {
    await using world = new World();
    await world.run(each('Mailing'));
    const status = await readStatus(world.memory, 'Mailing');
    assert.ok(status);
    world.breakStore(gone);
    for (const order of ['a', 'b', 'c']) await world.place(order);
    const says = (pos: number): Promise<void> =>
      publishStatus(world.memory, 'ConsumerHeartbeatSent', {
        ...status,
        kind: 'read-model',
        consumer: 'shop',
        sources: [{ stream: placed, pos, lagEvents: 2 - pos }],
      });
    const look = async (hasChanged?: true): Promise<string> => {
      const nowMs = world.clock.now();
      const numbers = new Map([[placed, 0n]]);
      const askDatabase = async (): Promise<DatabaseAnswer> => ({ numbers, sinceMs: nowMs, hasChanged });
      return (await lookAtConsumer(world.memory, 'shop', { nowMs, expected: { ...each('shop'), askDatabase } })).health;
    };
    for (let minute = 0; minute < 10; minute += 1) {
      await says(2);
      await world.clock.advance(60_000);
    }
    await says(2);
    assert.equal(await look(true), 'live', 'whoever asks has seen it fall');
    assert.equal(await look(), 'stalled', 'nobody has');
    const switched = jsonEvent({ type: 'ReadModelSwitchedBack', data: {} });
    await world.memory.append(streamName('$ops-shop'), [switched], { expected: 'any' });
    assert.equal(await look(), 'live', 'somebody has said so');
    await world.clock.advance(61_000);
    await says(2);
    assert.equal(await look(), 'stalled', 'and it stands still since then');
    await says(0);
    assert.equal(await look(), 'live', 'it has said so itself');
    for (let minute = 0; minute < 2; minute += 1) {
      await world.clock.advance(60_000);
      await says(0);
    }
    assert.equal(await look(), 'stalled');
  });

  it('B1: a status that says what cannot be blinds no watch', async () => {
    await using world = new World();
    await world.run(each('Mailing'));
    const status = await readStatus(world.memory, 'Mailing');
    assert.ok(status);
    const sources = ['$all', '', '$ce-Order'].map((stream) => ({ stream, pos: -1, lagEvents: 0 }));
    await publishStatus(world.memory, 'ConsumerHeartbeatSent', { ...status, consumer: 'Strange', sources });
    await watched(
      world,
      async (notices) => {
        await world.clock.advance(1_000);
        assert.deepEqual(short(notices), ['raised never-started Other'], JSON.stringify(notices));
      },
      { expect: [each('Other')] },
    );
  });

  it('B1: a status with half a number for a place blinds no watch that asks the database', async () => {
    await using world = new World();
    await world.run(each('Mailing'));
    const status = await readStatus(world.memory, 'Mailing');
    assert.ok(status);
    world.breakStore(gone);
    const sources = [{ stream: placed, pos: 1.5, lagEvents: 0 }];
    await publishStatus(world.memory, 'ConsumerStateChanged', { ...status, state: 'failed', sources });
    await watched(
      world,
      async (notices) => {
        await world.clock.advance(1_000);
        assert.deepEqual(short(notices), ['raised failed Mailing']);
        assert.match(notices[0]?.alert.summary ?? '', /its heartbeat says 1\.5/);
      },
      { expect: [{ ...each('Mailing'), askDatabase: emptyDatabase }] },
    );
  });

  it('R14: an outage is one alert, and resolved by itself', async () => {
    await using world = new World();
    let isDown = true;
    const mailing = each('Mailing', () => {
      if (isDown) throw Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });
    });
    await world.run(mailing);
    await watched(world, async (notices) => {
      await world.place('a', 'b', 'c');
      await world.clock.advance(30_000);
      assert.deepEqual(short(notices), ['raised retrying Mailing'], 'nobody was told within 30 s');
      await world.clock.advance(570_000);
      isDown = false;
      await world.clock.advance(60_000);
      assert.deepEqual(short(notices), ['raised retrying Mailing', 'resolved retrying Mailing']);
      assert.match(notices[0]?.alert.summary ?? '', /connection refused/);
    });
  });

  it('O-0: R14: a consumer that has given up raises an alert within 30 s, and so does a parked stream', async () => {
    await using world = new World();
    const options = { from: placed, startAt: 'beginning', handle: poison } as const;
    await world.run(consumer('Halting', { ...options, retry: { attempts: 2 } }));
    await world.run(consumer('Parking', { ...options, retry: { attempts: 2, then: 'park-stream' } }));
    await watched(world, async (notices) => {
      await world.place('a');
      await world.clock.advance(30_000);
      assert.deepEqual(short(notices).toSorted(), ['raised failed Halting', 'raised parked Parking']);
      assert.match(notices.map(({ alert }) => alert.summary).join(), /TypeError: x is undefined/);
    });
  });

  it('R14: no consumer without a heartbeat is shown as live', async () => {
    await using world = new World();
    await world.run(each('Mailing'));
    world.breakStore(gone);
    await world.clock.advance(31_000);
    assert.equal((await readStatus(world.memory, 'Mailing'))?.state, 'live', 'that is what it said last');
    const look = await lookAtConsumer(world.memory, 'Mailing', { nowMs: world.clock.now() });
    assert.equal(look.health, 'silent');
  });

  it('a pause says by whom and until when, is no alarm, and ends by itself', async () => {
    await using world = new World();
    const run = await world.run(each('Mailing'));
    await watched(world, async (notices) => {
      const pause = { kind: 'pause', who: 'ann', why: 'the database moves' } as const;
      await assert.rejects(requestControl(world.memory, 'Mailing', { ...pause, until: new Date(Number.NaN) }), {
        code: 'invalid-option',
      });
      await requestControl(world.memory, 'Mailing', { ...pause, until: new Date(world.clock.now() + 600_000) });
      await world.place('a');
      await world.clock.advance(300_000);
      const look = await lookAtConsumer(world.memory, 'Mailing', { nowMs: world.clock.now() });
      assert.equal(look.health, 'paused');
      assert.equal(look.pause?.who, 'ann');
      assert.match(run.reason ?? '', /ann has paused it until 2026.*the database moves/);
      assert.deepEqual(short(notices), []);
      await world.clock.advance(301_000);
      assert.equal(run.state, 'live');
      assert.equal(look.sources[0]?.lagEvents, 1n);
      assert.equal((await lookAtConsumer(world.memory, 'Mailing', { nowMs: world.clock.now() })).lagEvents, 0n);
    });
  });
});
