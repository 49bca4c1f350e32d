/**
 * A process that appends, or serves an official client that does, while it counts how often its event loop turns during
 * a sync, under the disk shim.
 *
 * Arguments: path of the store, control file, who appends (`store` or `client`), appends in flight, mutant. Prints how
 * often the loop turns during a sync of 2 ms, in the middle of some rounds.
 */
import fs, { writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { startServer } from 'daybook-server';

import { batchEvents, tortureStream } from './support/checkable-event.ts';
import { DiskControl } from './support/disk-shim.ts';
import { openStore } from './support/open-store.ts';

/** A sync on the thread of the event loop. */
const blocking = (sync: (fd: number) => void) => (fd: number, done: (error: Error | null) => void) => {
  sync(fd);
  setImmediate(done, null);
};

const [, , path = '', controlPath = '', who = 'store', inFlight = '1', mutant] = process.argv;
const rounds = 5;
const syncsPerRound = 40;
const delayMicroseconds = 2_000;

/** Syncs that are under way on another thread. */
let underWay = 0;

/** The same sync, counted while it lasts. */
const counting =
  (sync: typeof fs.fdatasync | ReturnType<typeof blocking>) => (fd: number, done: fs.NoParamCallback) => {
    underWay++;
    sync(fd, (error) => {
      underWay--;
      done(error);
    });
  };

const fdatasync = mutant === 'blocking' ? blocking(fs.fdatasyncSync) : fs.fdatasync;
Object.assign(fs, { fdatasync: counting(fdatasync) });
syncBuiltinESMExports();

const control = new DiskControl(controlPath, 'join');
await using store = await openStore(path);
const append = who === 'client' ? await appendThroughServer() : appendToStore;
let batch = 0;

/** Appends in as many lanes as are asked for, until there were so many syncs. */
async function appendToStore(untilSyncs: number): Promise<void> {
  const lanes = Array.from({ length: Number(inFlight) }, async (_, lane) => {
    while (control.calls('sync') < untilSyncs) {
      await store.append(tortureStream(String(lane)), batchEvents(String(lane), batch++, 1), { expected: 'any' });
    }
  });
  await Promise.all(lanes);
}

/** Has a client append in a thread of its own, all the time, and waits until there were so many syncs. */
async function appendThroughServer(): Promise<typeof appendToStore> {
  const { port } = await startServer({ store, port: 0, dev: true });
  const client = new Worker(new URL('event-loop-client.ts', import.meta.url), { workerData: { port, inFlight } });
  client.on('error', (error) => {
    throw error;
  });
  return async (untilSyncs) => {
    while (control.calls('sync') < untilSyncs) await nextTurn();
  };
}

/** Turns of the event loop during each sync, while appends go on until there were so many. */
async function turnsPerSync(): Promise<number> {
  let turns = 0;
  let isDone = false;
  const turn = (): void => {
    if (underWay > 0) turns++;
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);
  const first = control.calls('sync');
  await append(first + syncsPerRound);
  isDone = true;
  return turns / (control.calls('sync') - first);
}

await turnsPerSync();
control.delaySyncs(delayMicroseconds);
const turns: number[] = [];
for (let round = 0; round < rounds; round++) turns.push(await turnsPerSync());
writeSync(1, `${turns.toSorted((a, b) => a - b)[rounds >> 1] ?? 0}\n`);
if (who === 'client') process.exit(); // Its client goes on for ever.
