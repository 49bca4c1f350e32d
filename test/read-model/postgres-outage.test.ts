import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { inspect } from 'node:util';

import { jsonData, jsonEvent, streamName, type EventStore } from 'daybook';
import {
  consumer,
  readParked,
  readStatus,
  runConsumer,
  watchConsumers,
  type ConsumerRun,
  type ConsumerWatch,
} from 'daybook/consumer';
import { openMemoryStore } from 'daybook/memory';
import {
  pgDialect,
  readModel,
  runReadModel,
  verifyReadModel,
  type ReadModel,
  type ReadModelRun,
} from 'daybook/read-model';
import { Kysely, PostgresDialect, type Dialect } from 'kysely';
import { Client, type Pool, type PoolClient } from 'pg';

import { cannotStartPostgres, startPostgres, type Postgres } from '../services/postgres.ts';
import { until } from '../services/until.ts';
import { listeningPool } from './databases.ts';
import { dataOf, orderStream, shopOptions, shopRows, type ShopHandler, type ShopTables } from './shop.ts';

const patienceMs = 30_000;
/** Tries that an event of its own fault may have. An outage takes more. */
const attempts = 3;
const connections = 4;
const heartbeatMs = 100;

/** How the read model speaks to the server. */
interface Way {
  readonly name: string;
  readonly settings: { readonly pipeline?: true };
  readonly dialect: (pool: Pool) => Dialect;
}

const ahead: Way = { name: 'statements that do not wait', settings: { pipeline: true }, dialect: pgDialect };
const inOrder: Way = { name: "Kysely's dialect", settings: {}, dialect: (pool) => new PostgresDialect({ pool }) };
const ways = process.env['CI'] === 'true' ? [ahead, inOrder] : [ahead];

let started: Promise<Postgres> | undefined;
const postgres = (): Promise<Postgres> => (started ??= startPostgres());

/** A read model and a consumer whose effects are in the same PostgreSQL, and a watch over both. */
class Shop implements AsyncDisposable {
  readonly store: EventStore = openMemoryStore();
  readonly model: ReadModel;
  readonly url: string;
  readonly pool: Pool;
  readonly db: Kysely<ShopTables>;
  readonly #admin: string;
  readonly #watch: ConsumerWatch;
  /** Whoever waits for a handler that is in the middle of a transaction, and what the handler waits for. */
  #middle: { readonly entered: PromiseWithResolvers<void>; readonly left: PromiseWithResolvers<void> } | undefined;
  readonly #taken: PoolClient[] = [];
  #orders = 0;
  #tries = 0;
  run!: ReadModelRun; // `open` comes first.
  mails!: ConsumerRun;

  private constructor(urls: { readonly admin: string; readonly shop: string }, { settings, dialect }: Way) {
    this.#admin = urls.admin;
    this.url = urls.shop;
    const connectionTimeoutMillis = patienceMs;
    this.pool = listeningPool({ connectionString: urls.shop, max: connections, connectionTimeoutMillis, ...settings });
    this.db = new Kysely({ dialect: dialect(this.pool) });
    this.#watch = watchConsumers(this.store, { retryingMs: 1, everyMs: 3_600_000 });
    const options = shopOptions();
    const first = options.on.AwaitingShipment;
    const AwaitingShipment: ShopHandler = async (event, tx) => {
      await first(event, tx);
      this.#middle?.entered.resolve();
      await this.#middle?.left.promise;
    };
    this.model = readModel('shop', { ...options, on: { ...options.on, AwaitingShipment } });
  }

  static async open(way: Way): Promise<Shop> {
    const admin = await (await postgres()).createDatabase();
    const role = `${new URL(admin).pathname.slice(1)}_role`;
    await query(admin, `CREATE ROLE ${role} LOGIN PASSWORD 'shop'`);
    await query(admin, `GRANT ALL ON SCHEMA public TO ${role}`);
    const url = new URL(admin);
    Object.assign(url, { username: role, password: 'shop' });
    const shop = new Shop({ admin, shop: url.href }, way);
    await shop.pool.query('CREATE TABLE mails (order_id text PRIMARY KEY)');
    await shop.#begin();
    return shop;
  }

  get role(): string {
    return new URL(this.url).username;
  }

  /** What only the administrator of the database can do. */
  async asAdmin(...statements: readonly string[]): Promise<void> {
    for (const statement of statements) await query(this.#admin, statement);
  }

  /** Takes every connection of the pool. Who asks for one waits in vain. */
  async takeConnections(): Promise<void> {
    this.pool.options.connectionTimeoutMillis = 100;
    const take = async (): Promise<boolean> => this.#taken.push(await this.pool.connect()) === connections;
    await until('the pool is empty', () => take().catch(() => false), patienceMs); // Others take some, too.
  }

  /** Gives them back, as they were or cut. */
  giveConnectionsBack(how: 'whole' | 'cut'): void {
    this.pool.options.connectionTimeoutMillis = patienceMs;
    for (const client of this.#taken.splice(0)) client.release(how === 'cut');
  }

  /** A new order, of a stream of its own. */
  async order(): Promise<void> {
    this.#orders += 1;
    const id = `${this.#orders}`;
    const event = jsonEvent({ type: 'AwaitingShipment', data: { order_id: id } });
    await this.store.append(orderStream(id), [event], { expected: 'any' });
  }

  /** A new order, whose handler is in the middle of its transaction while something happens. */
  async orderDuring(deed: () => Promise<void>): Promise<void> {
    this.#middle = { entered: Promise.withResolvers(), left: Promise.withResolvers() };
    await this.order();
    await this.#middle.entered.promise;
    await deed();
    this.#middle.left.resolve();
    this.#middle = undefined;
  }

  /** Waits until no connection is left: what serves one outlives the server by a moment, and does what it is told. */
  async isCutOff(): Promise<void> {
    await until('no connection is left', () => this.pool.totalCount === 0, patienceMs);
  }

  /** Waits until both fail, more often than any event may, for this reason, and one alert says so of each. */
  async isAway(says: RegExp): Promise<void> {
    const before = this.#tries;
    const isOften = (): boolean => this.run.status().failures > 2 * attempts && this.#tries > before + attempts;
    const isOver = async (): Promise<boolean> =>
      this.run.status().state === 'failed' || (await readParked(this.store, 'Mails')).size > 0;
    const bothSay = async (): Promise<boolean> => {
      const statuses = await Promise.all(['shop', 'Mails'].map((name) => this.#status(name)));
      return statuses.every((status) => says.test(status?.error ?? ''));
    };
    const bothFail = async (): Promise<boolean> => (await isOver()) || (isOften() && (await bothSay()));
    await until(`both fail again and again, and say ${says}`, bothFail, patienceMs).catch(async (error: unknown) => {
      const statuses = await Promise.all(['shop', 'Mails'].map((name) => this.#status(name)));
      const { totalCount, idleCount, waitingCount } = this.pool;
      const seen = { run: this.run.status(), tries: this.#tries - before, totalCount, idleCount, waitingCount };
      throw new Error(`${String(error)} ${inspect({ ...seen, statuses }, { depth: 4 })}`);
    });
    for (let look = 0; look < 3; look += 1) {
      const { firing } = await this.#watch.look();
      assert.deepEqual(firing.map(({ rule, consumer: name }) => `${name} ${rule}`).toSorted(), [
        'Mails retrying',
        'shop retrying',
      ]);
    }
  }

  /** Waits until both go on by themselves, and nothing was lost, parked, done twice or told twice. */
  async isWell(): Promise<void> {
    const end = (await this.store.head()).position!; // There are orders.
    await this.run.reached(end, { timeoutMs: patienceMs });
    await this.mails.reached(end, { timeoutMs: patienceMs });
    for (const name of ['shop', 'Mails']) {
      await until(`${name} says that it is live`, async () => (await this.#status(name))?.state === 'live', patienceMs);
    }
    assert.deepEqual((await this.#watch.look()).firing, []);
    const told: string[] = [];
    for await (const event of this.store.readStream(streamName('$alerts'))) {
      told.push(`${event.type} ${(jsonData(event) as { readonly consumer: string }).consumer}`);
    }
    const once = ['AlertRaised Mails', 'AlertRaised shop', 'AlertResolved Mails', 'AlertResolved shop'];
    assert.deepEqual(told.toSorted(), once);
    assert.equal((await readParked(this.store, 'Mails')).size, 0);
    assert.equal((await this.store.streamState(streamName('$parked-Mails'))).status, 'no-stream');
    assert.equal((await shopRows(this.db))['shipments']?.length, this.#orders);
    assert.equal((await this.pool.query('SELECT 1 FROM mails')).rowCount, this.#orders);
    assert.equal((await verifyReadModel(this.store, this.model, { db: this.db }).result()).differing, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch[Symbol.asyncDispose]();
    await this.run[Symbol.asyncDispose]();
    await this.mails[Symbol.asyncDispose]();
    this.giveConnectionsBack('cut'); // Where the test did not get so far.
    await this.db.destroy();
  }

  async #begin(): Promise<void> {
    const retry = { attempts, firstDelayMs: 5, longestDelayMs: 20 };
    this.run = await runReadModel(this.store, this.model, { db: this.db, retry, pollMs: 5, heartbeatMs });
    const mails = consumer('Mails', {
      from: streamName('$ce-CustomerOrder'),
      startAt: 'beginning',
      heartbeatMs,
      retry: { attempts, firstMs: 5, mostMs: 20, then: 'park-stream' },
      handle: async (event) => {
        this.#tries += 1;
        const { order_id } = dataOf({ data: jsonData(event) });
        await this.pool.query('INSERT INTO mails (order_id) VALUES ($1) ON CONFLICT DO NOTHING', [order_id]);
      },
    });
    this.mails = await runConsumer(this.store, mails, { checkpointEveryMs: 1 });
    await this.order();
    await this.run.reached((await this.store.head()).position!, { timeoutMs: patienceMs });
  }

  #status(name: string): ReturnType<typeof readStatus> {
    return readStatus(this.store, name);
  }
}

async function query(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {}); // The statement may be one that ends it.
  await client.connect();
  await client.query(statement);
  await client.end();
}

after(async () => (await started)?.[Symbol.asyncDispose]());

for (const way of ways) {
  describe(`R14: faults of a PostgreSQL server, by ${way.name}`, { skip: cannotStartPostgres() }, () => {
    it('R14: a permission that is revoked is waited for', async () => {
      await using shop = await Shop.open(way);
      await shop.asAdmin(`REVOKE INSERT ON shipments, mails FROM ${shop.role}`);
      await shop.order();
      await shop.isAway(/permission denied/);
      await shop.asAdmin(`GRANT INSERT ON shipments, mails TO ${shop.role}`);
      await shop.isWell();
    });

    it('R14: a server that has no connection left is waited for', async () => {
      await using shop = await Shop.open(way);
      await shop.takeConnections();
      await shop.asAdmin(`ALTER ROLE ${shop.role} CONNECTION LIMIT 0`);
      shop.giveConnectionsBack('cut');
      await shop.order();
      await shop.isAway(/too many connections/);
      await shop.asAdmin(`ALTER ROLE ${shop.role} CONNECTION LIMIT -1`);
      await shop.isWell();
    });

    it('R14: a pool that has no connection left is waited for', async () => {
      await using shop = await Shop.open(way);
      await shop.takeConnections();
      await shop.order();
      await shop.isAway(/timeout exceeded when trying to connect/);
      shop.giveConnectionsBack('whole');
      await shop.isWell();
    });

    for (const end of ['fast', 'kill'] as const) {
      const what = { fast: 'stopped', kill: 'killed' }[end];
      it(`R14: a server that is ${what} in the middle of a transaction, and refuses connections, is waited for`, async () => {
        await using shop = await Shop.open(way);
        const server = await postgres();
        await shop.orderDuring(() => server.stop(end));
        await shop.isCutOff();
        await shop.order();
        await shop.isAway(/ECONNREFUSED/);
        await server.start();
        await shop.isWell();
      });
    }
  });
}
