/**
 * The shop, with customers: `npm start` in a clone. A server and the services run in processes of their own, on one file.
 *
 *     node --conditions=@daybook/source examples/orders/shop/main.ts [--port 2113] [--rate 2] [--only email,shipping]
 *
 * With `--only` it runs these services and nothing else, on the store that another process has filled.
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { streamName, type EventStore } from 'daybook';
import { memoryStateCache } from 'daybook/decider';
import { nodeSqliteDialect } from 'daybook/read-model';
import { openSqliteStore } from 'daybook/sqlite';
import { Kysely } from 'kysely';

import { customers } from './customers.ts';
import type { Bank } from './payment.ts';
import { showConsumers } from './screen.ts';
import { runServices, services, type ServiceName } from './services.ts';
import type { ShopTables } from './shipments.ts';

const folder = 'data';
const daybook = fileURLToPath(new URL('../../../packages/cli/bin/daybook.mjs', import.meta.url));

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '2113' },
    rate: { type: 'string', default: '2' },
    only: { type: 'string' },
  },
});

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopping.abort());

/** Everything: the server with its sample first, then services and customers. */
async function shop(): Promise<number> {
  const server = spawn(process.execPath, [daybook, 'start', '--port', values.port], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  const ended = Promise.withResolvers<number>();
  server.once('exit', (code) => {
    ended.resolve(code ?? 0);
    stopping.abort();
  });
  const serving = Promise.withResolvers<'serving'>();
  server.once('message', () => serving.resolve('serving'));
  stopping.signal.addEventListener('abort', () => server.kill('SIGTERM'), { once: true });
  try {
    if ((await Promise.race([ended.promise, serving.promise])) !== 'serving') return await ended.promise;
    await run(Object.keys(services) as ServiceName[]); // The keys of the services are their names.
  } finally {
    stopping.abort();
  }
  return ended.promise;
}

async function run(names: readonly ServiceName[]): Promise<number> {
  await using store = await openSqliteStore(`${folder}/orders.db`);
  await using db = new Kysely<ShopTables>({ dialect: nodeSqliteDialect(new DatabaseSync(`${folder}/shipments.db`)) });
  await using running = new AsyncDisposableStack();
  const cache = memoryStateCache();
  running.use(await runServices(names, { store, db, cache, mailer: { send: async () => {} } }));
  const { signal } = stopping;
  const tasks = [showConsumers(store, process.stdout, signal)];
  if (values.only === undefined) {
    const first = await firstNumber(store);
    tasks.push(customers({ store, bank, cache }, { perSecond: Number(values.rate), first, signal }));
  }
  await Promise.race(tasks); // They end with the signal; what fails ends everything.
  return 0;
}

/** A bank that declines one payment in twenty. */
const bank: Bank = {
  authorize: async ({ key }) => (Number(key) % 20 === 7 ? { declined: 'insufficient_funds' } : {}),
};

/** Numbers go on behind those of the last visit. */
async function firstNumber(store: EventStore): Promise<number> {
  const state = await store.streamState(streamName('$category-CustomerOrder'));
  return 300_000_000 + Number(state.revision ?? 0n);
}

/** Some of the services, on a store that another process fills. */
async function runOnly(list: string): Promise<number> {
  const names = list.split(',');
  const unknown = names.find((name) => !(name in services));
  if (unknown === undefined) return run(names as ServiceName[]); // Each was looked at.
  process.stderr.write(`There is no service ${unknown}. There are: ${Object.keys(services).join(', ')}.\n`);
  return 2;
}

mkdirSync(folder, { recursive: true });
process.exitCode = await (values.only === undefined ? shop() : runOnly(values.only));
