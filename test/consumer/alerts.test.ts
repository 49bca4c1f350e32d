import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';

import { jsonData, jsonEvent, StoreUnavailable, streamName } from 'daybook';
import {
  alertmanagerTarget,
  alertsStream,
  publishStatus,
  readStatus,
  slackTarget,
  watchConsumers,
  type AlertTarget,
  type DatabaseAnswer,
  type Notice,
} from 'daybook/consumer';

import { each, gone, short, watched } from './support/watched.ts';
import { placed, placeOf, World } from './support/world.ts';

const askDatabase = async (): Promise<DatabaseAnswer> => ({ error: 'gone', sinceMs: 0 });

/** What a watch raises for a consumer that nobody has started. */
async function raisedIn(world: World): Promise<readonly [Notice]> {
  const raised: Notice[] = [];
  const body = async (notices: Notice[]): Promise<void> => {
    await world.clock.advance(1_000);
    raised.push(...notices);
  };
  await watched(world, body, { expect: [each('Mailing')] });
  const [notice] = raised;
  assert.ok(notice);
  return [notice];
}

describe('alerts', () => {
  it('are raised once between several watches, and known after a restart', async () => {
    await using world = new World();
    const expect = [each('Mailing')];
    await watched(
      world,
      async (first) => {
        await watched(
          world,
          async (second) => {
            await world.clock.advance(60_000);
            assert.deepEqual(short([...first, ...second]), ['raised never-started Mailing']);
          },
          { expect },
        );
      },
      { expect },
    );
    const events = await Array.fromAsync(world.memory.readStream(alertsStream));
    assert.deepEqual(
      events.map(({ type }) => type),
      ['AlertRaised'],
    );
    await watched(
      world,
      async (notices) => {
        await world.clock.advance(60_000);
        assert.deepEqual(short(notices), ['still-firing never-started Mailing']);
      },
      { expect },
    );
  });

  it('are called over only by a watch that can see what they are about', async () => {
    await using world = new World();
    await world.run(each('Late'));
    await world.clock.advance(1_000);
    world.breakStore(gone);
    await world.place('a');
    const strict = { expect: [each('Mailing')], lagMs: 1_000 };
    await watched(
      world,
      async (notices) => {
        await world.clock.advance(10_000);
        assert.deepEqual(short(notices), ['raised never-started Mailing', 'raised lag Late']);
        await watched(world, async (others) => {
          await world.clock.advance(10_000);
          assert.deepEqual(short(others), ['still-firing never-started Mailing', 'still-firing lag Late']);
        });
        world.breakStore();
        await world.clock.advance(10_000);
        assert.deepEqual(short(notices).slice(2), ['resolved lag Late']);
      },
      strict,
    );
    // Nobody expects it any more, and nobody can say so: it is over after a day.
    await watched(
      world,
      async (notices) => {
        await world.clock.advance(3_600_000);
        assert.deepEqual(short(notices), ['still-firing never-started Mailing']);
        await world.clock.advance(86_400_000);
        assert.deepEqual(short(notices).slice(1), ['resolved never-started Mailing']);
      },
      { everyMs: 600_000 },
    );
  });

  it('that somebody sees are not over after a day for those who cannot see them', async () => {
    await using world = new World();
    await watched(
      world,
      async (others) => {
        await watched(
          world,
          async (notices) => {
            await world.clock.advance(5 * 86_400_000);
            assert.deepEqual(short(notices), ['raised never-started Mailing']);
            assert.deepEqual(short(others), []);
          },
          { expect: [each('Mailing')], everyMs: 600_000 },
        );
        await world.clock.advance(86_400_000);
        assert.deepEqual(short(others), ['resolved never-started Mailing']);
      },
      { everyMs: 600_000 },
    );
    const types = (await Array.fromAsync(world.memory.readStream(alertsStream))).map(({ type }) => type);
    assert.deepEqual([types[0], ...types.slice(-1)], ['AlertRaised', 'AlertResolved']);
    const between = types.slice(1, -1);
    assert.ok(
      between.length <= 10 && between.every((type) => type === 'AlertConfirmed'),
      `twice a day: ${types.join()}`,
    );
  });

  it('that only a watch with another limit can see hide no new ones', async () => {
    await using world = new World();
    await world.run(each('Late'));
    await world.clock.advance(1_000);
    const fallBehind = async (): Promise<void> => {
      world.breakStore(gone);
      await world.place('a');
      await world.clock.advance(10_000);
    };
    await watched(world, fallBehind, { lagMs: 1_000 });
    await watched(
      world,
      async (notices) => {
        world.breakStore();
        await world.clock.advance(60_000);
        await fallBehind();
        assert.deepEqual(short(notices).slice(-2), ['resolved lag Late', 'raised lag Late']);
      },
      { lagMs: 2_000 },
    );
  });

  it('that only a watch which asks the database can see hide no failure from others', async () => {
    await using world = new World();
    await world.run(each('Mailing'));
    const status = await readStatus(world.memory, 'Mailing');
    assert.ok(status);
    world.breakStore(gone);
    await watched(
      world,
      async (notices) => {
        await world.clock.advance(1_000);
        const since = '2025-01-01T00:00:00.000Z';
        await publishStatus(world.memory, 'ConsumerStateChanged', { ...status, state: 'retrying', since });
        await world.clock.advance(10_000);
        // The outage is one alert for whoever asks.
        assert.deepEqual(short(notices), ['raised database-away Mailing']);
      },
      { expect: [{ ...each('Mailing'), askDatabase }] },
    );
    await publishStatus(world.memory, 'ConsumerStateChanged', { ...status, state: 'failed' });
    await watched(world, async (notices) => {
      await world.clock.advance(10_000);
      assert.deepEqual(short(notices).toSorted(), ['raised failed Mailing', 'still-firing database-away Mailing']);
    });
  });

  it('wait until what is wrong has been so for long enough', async () => {
    await using world = new World();
    await watched(
      world,
      async (notices) => {
        await world.clock.advance(55_000);
        assert.deepEqual(short(notices), []);
        await world.clock.advance(10_000);
        assert.deepEqual(short(notices), ['raised never-started Mailing']);
      },
      { expect: [each('Mailing')], pendingForMs: 60_000 },
    );
  });

  it('say that a store which cannot be read cannot be watched', async () => {
    await using world = new World();
    await watched(
      world,
      async (notices) => {
        world.breakStore(new StoreUnavailable('nobody answers'));
        await world.clock.advance(5_000);
        world.breakStore();
        await world.clock.advance(5_000);
        assert.deepEqual(short(notices), ['raised watch-failed undefined', 'resolved watch-failed undefined']);
      },
      { store: world.store },
    );
  });

  it('reach a webhook as Slack takes them, and Alertmanager, and again when they did not arrive', async () => {
    await using world = new World();
    const requests: { path: string | undefined; body: unknown }[] = [];
    let isDown = true;
    await using server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        if (!isDown) requests.push({ path: request.url, body: JSON.parse(Buffer.concat(parts).toString()) });
        response.writeHead(isDown ? 503 : 200).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const targets = [slackTarget({ url: `${base}/hook` }), alertmanagerTarget({ url: `${base}/api/v2/alerts` })];
    // The loop of this watch sleeps by the clock, which stands still: only looks that are asked for happen.
    const watch = watchConsumers(world.memory, { targets, clock: world.clock, expect: [each('Mailing')] });
    const failed = await watch.look();
    assert.deepEqual(
      failed.problems.map((problem) => (problem as { code: string }).code),
      ['alert-not-delivered', 'alert-not-delivered'],
    );
    isDown = false;
    assert.deepEqual((await watch.look()).problems, []);
    assert.deepEqual(requests[0], {
      path: '/hook',
      body: { text: 'CRITICAL never-started: Mailing was never started: last handled none of $et-OrderPlaced' },
    });
    assert.equal(requests[1]?.path, '/api/v2/alerts');
    const [alert] = requests[1].body as { labels: unknown; startsAt: string }[];
    assert.deepEqual(alert?.labels, {
      alertname: 'daybook_consumer_never_started',
      consumer: 'Mailing',
      severity: 'critical',
    });
    assert.equal(alert.startsAt, '2026-01-01T00:00:00.000Z');
    assert.equal((await watch.look()).notices.length, 0);
    assert.equal(requests.length, 2);
    await watch[Symbol.asyncDispose]();
  });

  it('reach one target, and are looked for, while another does not answer; the end waits for none', async () => {
    await using world = new World();
    await world.run(each('Late'));
    const notices: Notice[] = [];
    const sending = Promise.withResolvers<AbortSignal>();
    const hanging: AlertTarget = {
      name: 'hanging',
      send: (_notice, signal) => {
        sending.resolve(signal);
        return new Promise<void>(() => {});
      },
    };
    const kept: AlertTarget = { name: 'kept', send: async (notice) => void notices.push(notice) };
    const watch = watchConsumers(world.memory, {
      targets: [hanging, kept],
      clock: world.clock,
      expect: [each('Mailing')],
    });
    await world.clock.advance(10_000);
    world.breakStore(gone);
    await world.clock.advance(60_000);
    assert.deepEqual(short(notices), ['raised never-started Mailing', 'raised silent Late']);
    const signal = await sending.promise;
    assert.equal(signal.aborted, false);
    await watch[Symbol.asyncDispose]();
    assert.equal(signal.aborted, true);
  });

  it('to a webhook that does not answer are given up when the watch ends', async () => {
    await using server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const ending = new AbortController();
    server.once('request', () => ending.abort());
    const { port } = server.address() as AddressInfo;
    await using world = new World();
    const [notice] = await raisedIn(world);
    const sent = slackTarget({ url: `http://127.0.0.1:${port}` }).send(notice, ending.signal);
    await assert.rejects(sent, (error: Error) => (error.cause as Error).name === 'AbortError');
  });

  it('of a consumer whose checkpoint lies behind the end of the log name both', async () => {
    await using world = new World();
    await world.place('a');
    const data = { pos: 7, source: placed, consumer: 'Mailing' };
    const checkpoint = jsonEvent({ type: 'checkpoint', data });
    await world.memory.append(streamName('etOrderPlaced_Mailing_checkpoints'), [checkpoint], { expected: 'no-stream' });
    await assert.rejects(world.run(each('Mailing')), { code: 'checkpoint-ahead-of-log', pos: 7n, end: 0n });
    await watched(
      world,
      async (notices) => {
        await world.clock.advance(1_000);
        assert.deepEqual(short(notices), ['raised checkpoint-ahead Mailing']);
      },
      { expect: [each('Mailing')] },
    );
    const [raised] = await Array.fromAsync(world.memory.readStream(alertsStream));
    assert.ok(raised && (jsonData(raised) as { rule: string }).rule === 'checkpoint-ahead', placeOf(raised!));
  });
});
