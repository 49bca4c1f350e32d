import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once as event } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { categoryStream, eventTypeStream, jsonMetadata, streamName, type EventStore } from 'daybook';
import { readStatus } from 'daybook/consumer';
import { handle, load, memoryStateCache } from 'daybook/decider';
import { openMemoryStore } from 'daybook/memory';
import { nodeSqliteDialect, runReadModel, verifyReadModel } from 'daybook/read-model';
import { openSqliteStore } from 'daybook/sqlite';
import { Kysely } from 'kysely';

import { addItem, cartPage } from './cart.ts';
import { shopOnce } from './customers.ts';
import { order, orderPage, placeOrder } from './ordering.ts';
import { pay, type Bank } from './payment.ts';
import { runServices, type Surroundings } from './services.ts';
import { shipments, type ShopTables } from './shipments.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const bank: Bank = { authorize: async ({ key }) => (key === '302' ? { declined: 'insufficient_funds' } : {}) };

function database(path = ':memory:'): Kysely<ShopTables> {
  return new Kysely<ShopTables>({ dialect: nodeSqliteDialect(new DatabaseSync(path)) });
}

function around(store: EventStore, db: Kysely<ShopTables>): Surroundings {
  return { store, db, mailer: { send: async () => {} }, cache: memoryStateCache() };
}

/** Waits until something is so. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const endMs = Date.now() + 30_000; !(await isSo()); await after(20)) {
    if (Date.now() > endMs) assert.fail(`It was waited in vain until ${what}.`);
  }
}

/** Waits until so many events of a type are there. */
async function happened(store: EventStore, type: string, count: number): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  let seen = 0;
  for await (const { kind } of store.subscribeToStream(eventTypeStream(type), { signal })) {
    if (kind === 'event') seen += 1;
    if (seen === count) return;
  }
}

describe('the shop', () => {
  it('A-P7 A-C15 takes orders from the cart to the mail, each step by a service that waits for an event', async () => {
    await using store = openMemoryStore();
    await using db = database();
    const mails: string[] = [];
    const mailer = { send: async ({ to }: { readonly to: string }) => void mails.push(to) };
    {
      await using running = new AsyncDisposableStack();
      running.use(await runServices(['picking', 'shipping', 'email'], { ...around(store, db), mailer }));
      for (const number of [300, 301, 302]) await shopOnce({ store, bank }, number);
      await happened(store, 'ShipmentEmailSent', 2);
    }
    assert.deepEqual(mails.toSorted(), ['customer.300@example.com', 'customer.301@example.com']);
    const types = await Array.fromAsync(store.readStream(streamName('CustomerOrder-300')), ({ type }) => type);
    assert.deepEqual(types, ['OrderCreated', 'AwaitingShipment', 'OrderShipped', 'ShipmentEmailSent']);
    assert.equal((await load(store, order, '302')).state.isAtTheDock, false); // It was not paid.

    await using run = await runReadModel(store, shipments, { db });
    const { position } = await store.head();
    await run.reached(position!);
    const rows = await db.selectFrom('shipments').select(['order_id', 'told']).orderBy('order_id').execute();
    assert.deepEqual(
      rows.map((row) => `${row.order_id} ${row.told}`),
      ['300 customer.300@example.com', '301 customer.301@example.com', '302 null'],
    );
  });

  it('A-V12 A-I1 asks the bank once, however often it is asked to', async () => {
    await using store = openMemoryStore();
    let asked = 0;
    const counting: Bank = { authorize: async () => ((asked += 1), {}) };
    const once = { orderId: '7', amount: '8.50' };
    assert.equal(await pay({ store, bank: counting }, once), 'authorized');
    assert.equal(await pay({ store, bank: counting }, once), 'authorized');
    assert.equal(asked, 1);
    const types = await Array.fromAsync(store.readStream(streamName('Payment-7')), ({ type }) => type);
    assert.deepEqual(types, ['PaymentAuthorized']);
  });

  it('A-V10 shows in the cart what was put in a moment ago, and makes one order of it however often it is placed', async () => {
    await using store = openMemoryStore();
    const tea = { sku: 'TEA-250', quantity: 2, price: '12.90' };
    await handle(store, addItem, 'c1', tea, { commandId: crypto.randomUUID() });
    assert.equal(await cartPage(store, 'c1'), '2 × TEA-250 at 12.90');
    for (let time = 0; time < 3; time += 1) await placeOrder(store, { cartId: 'c1', orderId: '1', email: 'a@b.c' });
    const orders = await Array.fromAsync(store.readStream(categoryStream('CustomerOrder')), ({ type }) => type);
    assert.deepEqual(orders, ['OrderCreated']);
    const late = await handle(store, addItem, 'c1', tea, { commandId: crypto.randomUUID() });
    assert.equal(late.outcome, 'refused');
  });

  it('A-K11 leaves a trail: what a service appends says which event it came from', async () => {
    await using store = openMemoryStore();
    await using db = database();
    {
      await using running = new AsyncDisposableStack();
      running.use(await runServices(['picking', 'shipping'], around(store, db)));
      await shopOnce({ store, bank }, 300);
      await happened(store, 'OrderShipped', 1);
    }
    const events = await Array.fromAsync(store.readStream(streamName('CustomerOrder-300')));
    const [, scanned, shipped] = events;
    const { $correlationId, $causationId } = jsonMetadata(shipped!) as Readonly<Record<string, string>>;
    assert.equal($causationId, scanned!.id);
    assert.equal($correlationId, (jsonMetadata(scanned!) as Readonly<Record<string, string>>)['$correlationId']);
  });

  it('runs as npm start runs it: a server, services and customers on one file, until Ctrl-C', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'daybook-shop-'));
    const flags = ['--conditions=@daybook/source', '--no-warnings', main, '--port', '0', '--rate', '20'];
    const shop = spawn(process.execPath, flags, { cwd, stdio: ['ignore', 'pipe', 'inherit'], timeout: 60_000 });
    let said = '';
    for await (const part of shop.stdout.setEncoding('utf8')) {
      said += String(part);
      if (/EmailOnOrderShipped live.*shipments live/.test(said)) shop.kill('SIGINT');
    }
    assert.match(said, /esdb:\/\/127\.0\.0\.1:\d+\?tls=false/);
    assert.equal(shop.exitCode ?? (await new Promise((resolve) => shop.once('exit', resolve))), 0);
    rmSync(cwd, { recursive: true });
  });

  it('shows an order from the state that a service keeps, without asking the store', async () => {
    await using store = openMemoryStore();
    await using db = database();
    const surroundings = around(store, db);
    await using running = new AsyncDisposableStack();
    running.use(await runServices(['picking', 'shipping', 'email', 'cache'], surroundings));
    await shopOnce({ store, bank }, 300);
    const silent = new Proxy(store, {
      get: () => () => assert.fail('The store was asked.'),
    });
    const page = (): Promise<string> => orderPage({ store: silent, cache: surroundings.cache }, '300').catch(String);
    const said = 'It is on its way, and we have written to customer.300@example.com.';
    await until('the page knows of the mail', async () => (await page()) === said);
  });

  it('runs as several processes, each with some of the services, on one store', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'daybook-shop-'));
    mkdirSync(join(cwd, 'data'));
    await using store = await openSqliteStore(join(cwd, 'data/orders.db'));
    const processes = ['picking,email', 'shipping,cache', 'shipments'].map((only) => {
      const flags = ['--conditions=@daybook/source', '--no-warnings', main, '--only', only];
      return spawn(process.execPath, flags, { cwd, stdio: ['ignore', 'ignore', 'inherit'], timeout: 60_000 });
    });
    const ended = processes.map((each) => event(each, 'exit'));
    const names = [
      'PickOnPaymentAuthorized',
      'EmailOnOrderShipped',
      'ShipOnAwaitingShipment',
      'OrderCache',
      'shipments',
    ];
    for (const name of names) {
      await until(`${name} is live`, async () => (await readStatus(store, name))?.state === 'live');
    }
    for (const number of [300, 301, 302]) await shopOnce({ store, bank }, number);
    await happened(store, 'ShipmentEmailSent', 2);
    await using db = database(join(cwd, 'data/shipments.db'));
    const told = db.selectFrom('shipments').select('order_id').where('told', 'is not', null).orderBy('order_id');
    await until('the read model has both', async () => (await told.execute()).length === 2);
    assert.deepEqual(
      (await told.execute()).map((row) => row.order_id),
      ['300', '301'],
    );
    for (const each of processes) each.kill('SIGINT');
    assert.deepEqual(
      (await Promise.all(ended)).map(([code]) => code as unknown),
      [0, 0, 0],
    );
    await store[Symbol.asyncDispose]();
    rmSync(cwd, { recursive: true });
  });

  it('has a read model that agrees with the log', async () => {
    await using store = openMemoryStore();
    await using db = database();
    for (const number of [400, 401]) await shopOnce({ store, bank }, number);
    {
      await using run = await runReadModel(store, shipments, { db });
      await run.reached((await store.head()).position!);
    }
    const { rows, differing } = await verifyReadModel(store, shipments, { db }).result();
    assert.deepEqual({ rows, differing }, { rows: 2, differing: 0 });
  });
});
