import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { streamName, type EventStore } from 'daybook';
import { watchConsumers, type Notice } from 'daybook/consumer';
import { expectReadModel, runReadModel, type ReadModel } from 'daybook/read-model';
import { openSqliteStore } from 'daybook/sqlite';
import { sql, type Kysely } from 'kysely';

import { DrillClock } from './clock.ts';
import { copyDatabase, named, openDatabase, refuseWrites } from './databases.ts';
import { appendUpTo, happened } from './events.ts';
import { moment } from './moments.ts';
import { shipments, type ShopTables } from './shipments.ts';
import { Steps } from './steps.ts';
import { unguarded } from './unguarded.ts';

/**
 * What is wrong on purpose. `unguarded`: the read model counts parcels outside of the transaction. `checkpoint-by-hand`:
 * somebody sets the checkpoint, and it is too far back.
 */
export type Bug = 'none' | 'unguarded' | 'checkpoint-by-hand';

/** One drill: where, how large, and what is wrong on purpose. */
export interface Drill {
  readonly folder: string;
  /** The database that fails. */
  readonly database: string;
  readonly before: number;
  readonly total: number;
  readonly bug: Bug;
}

/** How it ended. */
export interface Ending {
  /** Every row is as the log says, nothing is lost or repeated, and somebody was told in time. */
  readonly isWell: boolean;
  /** By the machine's clock, and by that of the incident. */
  readonly detectedAfterMs: number;
  readonly detectedAfterMsThen: number;
  /** All events are in the tables. */
  readonly repairedAfterMs: number;
  /** And every row was compared. */
  readonly provenAfterMs: number;
  readonly lost: number;
  readonly repeated: number;
}

const alertBudgetMs = 30_000;

/** The incident, from the first order to harmony. Killed anywhere and begun again, it ends the same. */
export async function drill({ folder, database, before, total, bug }: Drill): Promise<Ending> {
  const steps = new Steps(folder);
  const log = join(folder, 'log.db');
  const [copy, restored] = [named(database, 'shop_copy'), named(database, 'shop_restored')];
  const clock = new DrillClock(happened(0, before, total));
  await using store = await openSqliteStore(log, { now: () => clock.now() });
  await clock.goOnAt(happened(0, before, total), store);
  await steps.take('day 0', async () => {
    await appendUpTo(store, { upTo: before, before, total });
    await catchUp(store, database, clock);
    await copyDatabase(database, copy);
    return `${before.toLocaleString('en')} events are in the tables, and a copy of the database is made`;
  });
  const alert = await steps.take('day 1', async () => fail(store, clock, { database, before, total }));
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
    if (bug === 'unguarded')
      return countWithoutGuard(store, restored, { clock, parcelsBefore: Math.floor((before + 1) / 3) });
    if (bug === 'checkpoint-by-hand') return setByHand(store, restored, clock);
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
  const [detectedAfterMs = Infinity, detectedAfterMsThen = Infinity] = [...alert.said.matchAll(/(\d+) ms/g)].map(
    ([, ms]) => Number(ms),
  );
  const repairedAfterMs = Number(/after (\d+) ms/.exec(repair.said)?.[1] ?? Infinity);
  const inTime = Math.max(detectedAfterMs, detectedAfterMsThen) <= alertBudgetMs;
  const isWell = verified.code === 0 && lost === 0 && repeated === 0 && inTime;
  const took = { detectedAfterMs, detectedAfterMsThen, repairedAfterMs, provenAfterMs: repair.tookMs };
  return { isWell, lost, repeated, ...took };
}

async function catchUp(
  store: EventStore,
  database: string,
  clock: DrillClock,
  { model = shipments, batchSize = 500 }: { readonly model?: ReadModel; readonly batchSize?: number } = {},
): Promise<void> {
  const db = openDatabase(database);
  try {
    await using run = await runReadModel(store, model, { db, clock, batchSize });
    const { position } = await store.head();
    if (position !== undefined) await run.reached(position, { timeoutMs: 300_000 });
  } finally {
    await db.destroy();
  }
}

/** The database refuses an event. The read model tries, gives up, and the watch, which is another, says so. */
async function fail(
  store: EventStore,
  clock: DrillClock,
  { database, before, total }: Pick<Drill, 'database' | 'before' | 'total'>,
): Promise<string> {
  const [db, beside] = [openDatabase(database), openDatabase(database)];
  try {
    await clock.goOnAt(happened(before, before, total), store);
    await using _ = await runReadModel(store, shipments, { db, clock, retry: { attempts: 5, firstDelayMs: 100 } });
    const heard = Promise.withResolvers<Notice>();
    await using watch = watchConsumers(store, {
      everyMs: 200,
      clock,
      expect: [expectReadModel(shipments, { db: beside, clock })],
      targets: [{ name: 'drill', send: async (notice) => heard.resolve(notice) }],
    });
    const [began, beganThen] = [performance.now(), clock.now()];
    await refuseWrites(db, database);
    const upTo = Math.min(total, before + 10);
    await appendUpTo(store, { upTo, before, total, now: () => new Date(clock.now()) });
    moment();
    const { kind, alert } = await heard.promise;
    const [tookMs, tookMsThen] = [performance.now() - began, Math.max(0, alert.raisedAt.getTime() - beganThen)];
    if (alert.rule !== 'failed' || kind === 'resolved') throw new Error(`It is about something else: ${alert.summary}`);
    moment();
    await watch.look();
    const times = `after ${Math.round(tookMs)} ms, ${tookMsThen} ms by the clock of the incident`;
    return `the database refuses writes; alert ${times}: ${alert.summary}`;
  } finally {
    await db.destroy();
    await beside.destroy();
  }
}

/** What a read model with a bug makes of the copy: it counts past the transaction, and its last batch is done twice. */
async function countWithoutGuard(
  store: EventStore,
  restored: string,
  { clock, parcelsBefore }: { readonly clock: DrillClock; readonly parcelsBefore: number },
): Promise<string> {
  const own = openDatabase(restored);
  const { revision = -1n } = await store.streamState(streamName('$et-OrderShipped'));
  const { model, settled } = unguarded(own, Number(revision) + 1 - parcelsBefore);
  await catchUp(store, restored, clock, { model, batchSize: 50 });
  const twice = [...(await settled())].map(([carrier, event]) => `${carrier} since ${event}`);
  await own.destroy();
  return `a read model that counts without a guard has caught up; its last batch was rolled back, and done again: ${twice.join(', ')}`;
}

/** What people did before there was a repair: they set the checkpoint, and it was a little too far back. */
async function setByHand(store: EventStore, restored: string, clock: DrillClock): Promise<string> {
  const db = openDatabase(restored);
  await sql`UPDATE daybook_read_model_source SET number = number - 100`.execute(db);
  await db.destroy();
  await catchUp(store, restored, clock);
  return 'somebody set the checkpoint by hand, 100 events too far back';
}

async function daybook(
  words: readonly string[],
  { log, restored }: { readonly log: string; readonly restored: string },
): Promise<{ readonly code: number; readonly text: string }> {
  const main = join(import.meta.dirname, 'daybook-child.ts');
  const config = join(import.meta.dirname, 'daybook.config.ts');
  const all = ['--conditions=@daybook/source', main, ...words, '--config', config, '--store', log];
  const child = spawn(process.execPath, all, {
    stdio: ['pipe', 'pipe', 'pipe'], // It ends when the first of these does.
    env: { ...process.env, DRILL_DATABASE: restored },
  });
  const data: string[] = [];
  const talk: string[] = [];
  child.stdout.on('data', (text: Buffer) => data.push(String(text)));
  child.stderr.on('data', (text: Buffer) => {
    for (const line of String(text).split(/^/m)) {
      if (line === '.\n') moment();
      else talk.push(line);
    }
  });
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
