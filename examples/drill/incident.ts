import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { streamName, type EventStore } from 'daybook';
import { systemClock, watchConsumers } from 'daybook/consumer';
import { runReadModel } from 'daybook/read-model';
import { openSqliteStore } from 'daybook/sqlite';
import { sql, type Kysely } from 'kysely';

import { copyDatabase, named, openDatabase, refuseWrites } from './databases.ts';
import { appendUpTo, happened } from './events.ts';
import { shipments, type ShopTables } from './shipments.ts';
import { Steps } from './steps.ts';

/** One drill: where, how large, and whether somebody sets the checkpoint by hand, too far back. */
export interface Drill {
  readonly folder: string;
  /** The database that fails. */
  readonly database: string;
  readonly before: number;
  readonly total: number;
  readonly bug: 'none' | 'checkpoint-by-hand';
}

/** How it ended. */
export interface Ending {
  readonly isWell: boolean;
  readonly detectedAfterMs: number;
  /** All events are in the tables. */
  readonly repairedAfterMs: number;
  /** And every row was compared. */
  readonly provenAfterMs: number;
  readonly lost: number;
  readonly repeated: number;
}

const alertBudgetMs = 30_000;
/** Until the tables have all events, and every row was compared with the log. */
const repairBudgetMs = 30_000;

/** The incident, from the first order to harmony. Killed anywhere and begun again, it ends the same. */
export async function drill({ folder, database, before, total, bug }: Drill): Promise<Ending> {
  const steps = new Steps(folder);
  const log = join(folder, 'log.db');
  const [copy, restored] = [named(database, 'shop_copy'), named(database, 'shop_restored')];
  await using store = await openSqliteStore(log);
  await steps.take('day 0', async () => {
    await appendUpTo(store, { upTo: before, before, total });
    await catchUp(store, database);
    await copyDatabase(database, copy);
    return `${before.toLocaleString('en')} events are in the tables, and a copy of the database is made`;
  });
  const alert = await steps.take('day 1', async () => fail(store, { database, before, total }));
  await steps.take('day 9', async () => {
    await appendUpTo(store, { upTo: total, before, total });
    const days = Math.round(
      (happened(total, before, total).getTime() - happened(before, before, total).getTime()) / 86_400_000,
    );
    return `${days} days later: ${(total - before).toLocaleString('en')} events have come, and none is in the tables`;
  });
  await steps.take('restore', async () => {
    await copyDatabase(copy, restored);
    return 'the copy is restored, under another name';
  });
  const repair = await steps.take('repair', async () => {
    if (bug === 'checkpoint-by-hand') return setByHand(store, restored);
    const said = await daybook(['model', 'repair', 'shipments', '--yes', '--why', 'a drill', '--json'], {
      log,
      restored,
    });
    if (said.code !== 0) throw new Error(said.text);
    const { events, rows, projectingMs } = JSON.parse(said.text) as Readonly<Record<string, number>>;
    return `daybook model repair shipments: ${events?.toLocaleString('en')} events projected after ${projectingMs} ms, then all compared: ${rows} rows put right`;
  });
  const verified = await daybook(['model', 'verify', 'shipments'], { log, restored });
  if (verified.code !== 0) console.log(verified.text.trimEnd());
  const { lost, repeated } = await counted(store, restored);
  const detectedAfterMs = Number(/after (\d+) ms/.exec(alert.said)?.[1] ?? Infinity);
  const repairedAfterMs = Number(/after (\d+) ms/.exec(repair.said)?.[1] ?? Infinity);
  const inTime = detectedAfterMs <= alertBudgetMs && repair.tookMs <= repairBudgetMs;
  const isWell = verified.code === 0 && lost === 0 && repeated === 0 && inTime;
  return { isWell, detectedAfterMs, repairedAfterMs, provenAfterMs: repair.tookMs, lost, repeated };
}

async function catchUp(store: EventStore, database: string): Promise<void> {
  const db = openDatabase(database);
  try {
    await using run = await runReadModel(store, shipments, { db });
    const { position } = await store.head();
    if (position !== undefined) await run.reached(position, { timeoutMs: 300_000 });
  } finally {
    await db.destroy();
  }
}

/** The database refuses an event. The read model tries, gives up, and the watch, which is another, says so. */
async function fail(
  store: EventStore,
  { database, before, total }: Pick<Drill, 'database' | 'before' | 'total'>,
): Promise<string> {
  const db = openDatabase(database);
  try {
    await using run = await runReadModel(store, shipments, { db, retry: { attempts: 5, firstDelayMs: 100 } });
    const heard = Promise.withResolvers<string>();
    const offsetMs = happened(before, before, total).getTime() - Date.now();
    await using watch = watchConsumers(store, {
      everyMs: 200,
      clock: { ...systemClock, now: () => Date.now() + offsetMs }, // It is still 2016.
      targets: [{ name: 'drill', send: async ({ alert }) => heard.resolve(alert.summary) }],
    });
    const began = performance.now();
    await refuseWrites(db, database);
    await appendUpTo(store, { upTo: Math.min(total, before + 10), before, total });
    const summary = await heard.promise;
    if (run.status().state === 'live') throw new Error(`The alert is about something else: ${summary}`);
    await watch.look();
    return `the database refuses writes; alert after ${Math.round(performance.now() - began)} ms: ${summary}`;
  } finally {
    await db.destroy();
  }
}

/** What people did before there was a repair: they set the checkpoint, and it was a little too far back. */
async function setByHand(store: EventStore, restored: string): Promise<string> {
  const db = openDatabase(restored);
  await sql`UPDATE daybook_read_model_source SET number = number - 100`.execute(db);
  await db.destroy();
  await catchUp(store, restored);
  return 'somebody set the checkpoint by hand, 100 events too far back';
}

async function daybook(
  words: readonly string[],
  { log, restored }: { readonly log: string; readonly restored: string },
): Promise<{ readonly code: number; readonly text: string }> {
  const main = join(import.meta.dirname, '../../packages/cli/src/main.ts');
  const config = join(import.meta.dirname, 'daybook.config.ts');
  const all = ['--conditions=@daybook/source', main, ...words, '--config', config, '--store', log];
  const child = spawn(process.execPath, all, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DRILL_DATABASE: restored },
  });
  const data: string[] = [];
  const talk: string[] = [];
  child.stdout.on('data', (text: Buffer) => data.push(String(text)));
  child.stderr.on('data', (text: Buffer) => talk.push(String(text)));
  const [code] = (await once(child, 'close')) as readonly unknown[];
  const failed = code !== 0;
  return { code: Number(code), text: failed ? `${data.join('')}${talk.join('')}` : data.join('') };
}

/** How often each parcel was counted, by a count of the log that shares nothing with the read model. */
async function counted(
  store: EventStore,
  restored: string,
): Promise<{ readonly lost: number; readonly repeated: number }> {
  const { revision = -1n } = await store.streamState(streamName('$et-OrderShipped'));
  const db: Kysely<ShopTables> = openDatabase(restored);
  const { parcels } = await db
    .selectFrom('carriers')
    .select((eb) => eb.fn.sum('parcels').as('parcels'))
    .executeTakeFirstOrThrow();
  await db.destroy();
  const difference = Number(parcels ?? 0) - Number(revision + 1n);
  return { lost: Math.max(0, -difference), repeated: Math.max(0, difference) };
}
