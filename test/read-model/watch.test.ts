import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { jsonEvent, StoreUnavailable, streamName, type EventStore, type NewEvent } from 'daybook';
import {
  alertsStream,
  consumer,
  publishStatus,
  readStatus,
  watchConsumers,
  type Notice,
  type WatchOptions,
} from 'daybook/consumer';
import { openMemoryStore } from 'daybook/memory';
import { expectReadModel, readModel, runReadModel, type ReadModelRun } from 'daybook/read-model';
import { SimulatedClock } from 'daybook/testing';

import { breakable } from '../consumer/support/world.ts';
import { cannotStartPostgres, startPostgres } from '../services/postgres.ts';
import { until } from '../services/until.ts';
import { connectTo, databaseKinds, type DatabaseKind, type TestDatabase } from './databases.ts';
import { orderStream, shopModel, shopOptions, type ShopTables } from './shop.ts';
import { SimulatedDatabase } from './simulated-database.ts';

const waiting = (id: string): NewEvent => jsonEvent({ type: 'AwaitingShipment', data: { order_id: id } });
const gone = new StoreUnavailable('This process is cut off, as one that is gone.');
const short = (notices: readonly Notice[]): readonly string[] =>
  notices.map(({ kind, alert }) => `${kind} ${alert.rule} ${alert.consumer}`);
/** Real time is short here: a read model is expected to be as quick. */
const quick = { pollMs: 5, heartbeatMs: 50, freshnessMs: 200, stopMs: 1 } as const;

async function place(store: EventStore, ...orders: readonly string[]): Promise<void> {
  for (const id of orders) await store.append(orderStream(id), [waiting(id)], { expected: 'any' });
}

async function caughtUp(store: EventStore, run: ReadModelRun): Promise<void> {
  const { position } = await store.head();
  assert.ok(position);
  await run.reached(position, { timeoutMs: 60_000 });
}

/** A watch of a store, whose looks a test asks for, and what it has told. */
function watching(
  store: EventStore,
  options: WatchOptions,
): AsyncDisposable & { readonly notices: Notice[]; readonly told: (rule: string) => Promise<Notice> } {
  const notices: Notice[] = [];
  const target = { name: 'kept', send: async (notice: Notice) => void notices.push(notice) };
  const watch = watchConsumers(store, { targets: [target], everyMs: 20, ...options });
  const found = (said: string): Notice | undefined =>
    notices.find(({ kind, alert }) => `${kind} ${alert.rule}` === said);
  return {
    notices,
    told: async (said) => {
      await until(`somebody is told: ${said}`, () => found(said) !== undefined);
      return found(said)!; // It was there a moment ago.
    },
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),
  };
}

/** A read model that is caught up, on a store that it can be cut off from. */
async function running(
  kind: DatabaseKind,
  model = shopModel(),
): Promise<
  AsyncDisposable & {
    readonly store: EventStore;
    readonly database: TestDatabase<ShopTables>;
    readonly cutOff: (error?: Error) => void;
  }
> {
  const store = openMemoryStore();
  const database = await kind.create<ShopTables>();
  const voice = breakable(store);
  const run = await runReadModel(voice.store, model, { db: database.db, ...quick });
  await place(store, '1');
  await caughtUp(store, run);
  await until('it has said so', async () => ((await readStatus(store, 'shop'))?.sources[0]?.pos ?? -1) >= 0);
  return {
    store,
    database,
    cutOff: (error) => voice.break(error),
    async [Symbol.asyncDispose]() {
      voice.break();
      await run[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

for (const kind of databaseKinds()) {
  describe(`B1: a watch of a read model that asks its database, on ${kind.name}`, { skip: kind.skip }, () => {
    after(() => kind[Symbol.asyncDispose]());

    it('B1: a: a process that is gone is noticed, with its last event and the age of the next one', async () => {
      await using shop = await running(kind);
      const expect = [expectReadModel(shopModel(), { db: shop.database.db })];
      await using watch = watching(shop.store, { expect });
      shop.cutOff(gone);
      await place(shop.store, '2');
      const { alert } = await watch.told('raised silent');
      assert.match(
        alert.summary,
        /^shop says nothing any more: last heartbeat .*; last handled 0 of \$ce-CustomerOrder/,
      );
      assert.match(alert.summary, /AwaitingShipment 0@CustomerOrder-2 waits for \d+ s, 1 in all/);
      shop.cutOff();
      await watch.told('resolved silent');
    });

    for (const source of ['$ce-CustomerOrder', '$all'] as const) {
      it(`B1: b: a handler that hangs is noticed, of one that follows ${source}`, async () => {
        const options = shopOptions();
        const hanging = Promise.withResolvers<void>();
        const AwaitingShipment: typeof options.on.AwaitingShipment = (event, tx) =>
          event.stream.endsWith('hangs') ? hanging.promise : options.on.AwaitingShipment(event, tx);
        const model = readModel('shop', {
          ...options,
          from: [source],
          timeoutMs: 3_600_000,
          on: { ...options.on, AwaitingShipment },
        });
        await using shop = await running(kind, model);
        await using db = shop.database.connect();
        await using watch = watching(shop.store, { expect: [expectReadModel(model, { db })] });
        await place(shop.store, 'hangs');
        const { alert } = await watch.told('raised stalled');
        assert.match(
          alert.summary,
          new RegExp(
            `last handled \\d+ of \\${source}.*AwaitingShipment 0@CustomerOrder-hangs waits for \\d+ s, 1 in all`,
          ),
        );
        hanging.resolve();
        await watch.told('resolved stalled');
      });
    }

    it('B1: c: a read model that was never deployed is noticed, and that its database is empty is no news', async () => {
      await using store = openMemoryStore();
      await using database = await kind.create<ShopTables>();
      await place(store, '1');
      await using watch = watching(store, { expect: [expectReadModel(shopModel(), { db: database.db })] });
      const { alert } = await watch.told('raised never-started');
      assert.match(alert.summary, /^shop was never started: last handled none of \$ce-CustomerOrder/);
      assert.deepEqual(short(watch.notices), ['raised never-started shop']);
    });

    for (const [what, claim] of [
      ['that it is further', 1],
      ['that it is not so far', -1],
    ] as const) {
      it(`B1: d: a heartbeat that says all is well, and ${what} than its tables, convinces nobody`, async () => {
        await using shop = await running(kind);
        const { store } = shop;
        const status = await readStatus(store, 'shop');
        assert.ok(status);
        shop.cutOff(gone);
        const sources = status.sources.map((each, index) => (index === 0 ? { ...each, pos: claim } : each));
        const claiming = { ...status, state: 'live', heartbeatMs: 60_000, sources } as const;
        await publishStatus(store, 'ConsumerHeartbeatSent', claiming);
        await using asking = watching(store, {
          expect: [expectReadModel(shopModel(), { db: () => connectTo<ShopTables>(shop.database.location) })],
        });
        await place(store, '2');
        await publishStatus(store, 'ConsumerHeartbeatSent', claiming);
        const { alert } = await asking.told('raised stalled');
        assert.match(
          alert.summary,
          new RegExp(`^shop lives, and does not move: .*last handled 0 of \\$ce-.*its heartbeat says ${claim}`),
        );
        assert.match(alert.summary, /AwaitingShipment 0@CustomerOrder-2 waits for \d+ s, 1 in all/);
        await using believing = watching(store, {});
        await believing.told('still-firing stalled');
        shop.cutOff();
        await asking.told('resolved stalled');
        // What only the database says is neither raised, nor called over, by a watch that does not ask it.
        assert.deepEqual(short(believing.notices), ['still-firing stalled shop']);
        const alerts = await Array.fromAsync(store.readStream(alertsStream));
        assert.deepEqual(
          alerts.map(({ type }) => type),
          ['AlertRaised', 'AlertResolved'],
        );
      });
    }
  });
}

/** A read model and a watch that asks its database, on a clock that is turned. */
async function hours(
  from: `$${string}`,
  body: (hour: { clock: SimulatedClock; store: EventStore; notices: Notice[]; run: ReadModelRun }) => Promise<void>,
): Promise<void> {
  const clock = new SimulatedClock();
  await using store = openMemoryStore({ now: () => clock.now() });
  const faults = { statement: 0, commit: 0 };
  using database = new SimulatedDatabase({ random: () => clock.random(), faults: () => faults });
  const { db } = database.connect<ShopTables>(() => {});
  const model = readModel('shop', { ...shopOptions(), from: [from] });
  const notices: Notice[] = [];
  const run = await runReadModel(store, model, { db, clock, pollMs: 60_000, leaseMs: 300_000 });
  const watch = watchConsumers(store, {
    clock,
    everyMs: 30_000,
    expect: [expectReadModel(model, { db: database.connect<ShopTables>(() => {}).db, clock })],
    targets: [{ name: 'kept', send: async (notice) => void notices.push(notice) }],
  });
  await body({ clock, store, notices, run });
  await run[Symbol.asyncDispose]();
  await watch[Symbol.asyncDispose]();
}

describe('B1: a watch of a read model over hours', () => {
  it('B1: e: one of a quiet event type is left alone, although the log moves', async () => {
    await hours('$et-OrderLost', async ({ clock, store, notices }) => {
      for (let minute = 0; minute < 240; minute += 1) {
        await place(store, String(minute));
        await clock.advance(60_000);
      }
      assert.deepEqual(short(notices), []);
    });
  });

  for (const source of ['$ce-CustomerOrder', '$all'] as const) {
    it(`B1: f: no false alarm in a day of work, of one that follows ${source}`, async () => {
      await hours(source, async ({ clock, store, notices, run }) => {
        for (let quarter = 0; quarter < 96; quarter += 1) {
          for (let i = 0; i < 5; i += 1) await place(store, String(Math.floor(clock.random() * 50)));
          await clock.advance(900_000 * clock.random());
        }
        assert.deepEqual(short(notices), []);
        assert.equal(run.status().state, 'live');
      });
    });
  }

  it('B1: g: one that follows $all and was stopped waits for what people do, not for heartbeats', async () => {
    await hours('$all', async ({ clock, store, notices, run }) => {
      const others = jsonEvent({ type: 'ConsumerHeartbeatSent', data: {} });
      await place(store, '1');
      await clock.advance(60_000);
      await run[Symbol.asyncDispose]();
      for (let minute = 0; minute < 60; minute += 1) {
        await store.append(streamName('$somebody'), [others], { expected: 'any' });
        await clock.advance(60_000);
      }
      assert.deepEqual(short(notices), []);
      await place(store, '2');
      await clock.advance(120_000);
      assert.deepEqual(short(notices), ['raised stopped shop']);
      assert.match(notices[0]?.alert.summary ?? '', /AwaitingShipment 0@CustomerOrder-2 waits for .*, 1 in all/);
    });
  });
});

describe('B1: a database that says nothing to a watch', () => {
  /** What a watch is to go on with meanwhile. */
  const other = consumer('Mailing', { from: streamName('$ce-CustomerOrder'), startAt: 'beginning', handle: () => {} });

  for (const kind of databaseKinds()) {
    it(
      `B1: is an alert of its own, and no other waits for it: one that refuses, on ${kind.name}`,
      { skip: kind.skip },
      async () => {
        await using _ = kind;
        await using shop = await running(kind);
        let refusal: Error | undefined = new Error('connect ECONNREFUSED');
        const db = (): ReturnType<typeof connectTo<ShopTables>> => {
          if (refusal !== undefined) throw refusal;
          return connectTo<ShopTables>(shop.database.location);
        };
        const expect = [expectReadModel(shopModel(), { db }), other];
        await using watch = watching(shop.store, { expect, databaseAwayMs: 100 });
        await watch.told('raised never-started');
        const { alert } = await watch.told('raised database-away');
        assert.equal(alert.severity, 'critical');
        assert.match(alert.summary, /^shop has a database that does not say how far it is: .*connect ECONNREFUSED$/);
        refusal = undefined;
        await watch.told('resolved database-away');
      },
    );
  }

  it(
    'B1: one that hangs holds no look up, and is not asked again meanwhile',
    { skip: cannotStartPostgres() },
    async () => {
      await using postgres = await startPostgres();
      await using store = openMemoryStore();
      const location = await postgres.createDatabase();
      await using ended = new AsyncDisposableStack();
      const db = connectTo<ShopTables>(location);
      ended.defer(() => db.destroy());
      const run = ended.use(await runReadModel(store, shopModel(), { db, ...quick }));
      await place(store, '1');
      await caughtUp(store, run);
      const wake = (): void => void process.kill(postgres.pid, 'SIGCONT');
      ended.defer(wake); // Also when something is not as it should be.
      let asked = 0;
      const model = expectReadModel(shopModel(), {
        db: () => {
          asked += 1;
          return connectTo<ShopTables>(location);
        },
        answerMs: 1_000, // A new connection to a server that is well takes a tenth of it on a busy machine.
      });
      await using watch = watching(store, { expect: [model], databaseAwayMs: 1_500 });
      await until('it was asked', () => asked > 1);
      process.kill(postgres.pid, 'SIGSTOP'); // Whoever connects from now on waits.
      const before = asked;
      const { alert } = await watch.told('raised database-away');
      assert.match(alert.summary, /its database: Error: It has not answered for \d+ ms\.$/);
      {
        // It ends here: of two watches only the one that sees it first tells that the database is back.
        await using late = watching(store, { expect: [model, other] });
        await late.told('raised never-started');
      }
      assert.ok(asked <= before + 1, `it was asked ${asked - before} times`);
      wake();
      await watch.told('resolved database-away');
    },
  );

  it('B1: says whether it has said something else before', async () => {
    await using database = databaseKinds()[0]!; // There is SQLite in any case.
    await using shop = await running(database);
    const locations = [':memory:', shop.database.location, shop.database.location];
    const db = (): ReturnType<typeof connectTo<ShopTables>> => connectTo<ShopTables>(locations.shift()!);
    const { askDatabase } = expectReadModel(shopModel(), { db });
    const answers = [await askDatabase?.(), await askDatabase?.(), await askDatabase?.()];
    assert.deepEqual(
      answers.map((answer) => answer && 'numbers' in answer && [answer.numbers.size, answer.hasChanged]),
      [
        [0, false],
        [1, true],
        [1, true],
      ],
    );
  });

  it('B1: where none has ever run, it says so, and writes nothing', async () => {
    const db = connectTo<ShopTables>(':memory:');
    const clock = new SimulatedClock();
    const expected = expectReadModel(shopModel(), { db, clock });
    assert.deepEqual(await expected.askDatabase?.(), { numbers: new Map(), sinceMs: clock.now(), hasChanged: false });
    assert.deepEqual(await db.introspection.getTables(), []);
    await db.destroy();
  });
});
