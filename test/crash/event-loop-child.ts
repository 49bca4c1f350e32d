/**
 * A process that appends while it counts how often its event loop turns, under the disk shim.
 *
 * Arguments: path of the store, control file, appends in flight, mutant. Prints a line of JSON.
 */
import fs, { writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

import { batchEvents, tortureStream } from './support/checkable-event.ts';
import { DiskControl } from './support/disk-shim.ts';
import { openStore } from './support/open-store.ts';

export interface TurnsCounted {
  /** Turns of the event loop for each sync, on a disk that is slow. */
  readonly delayed: number;
  /** The same on a disk that is not. */
  readonly undelayed: number;
}

/** A sync on the thread of the event loop. */
const blocking = (sync: (fd: number) => void) => (fd: number, done: (error: Error | null) => void) => {
  sync(fd);
  setImmediate(done, null);
};

const [, , path = '', controlPath = '', inFlight = '1', mutant] = process.argv;
const rounds = 5;
const syncsPerRound = 40;
const delayMicroseconds = 2_000;

if (mutant === 'blocking') {
  Object.assign(fs, { fsync: blocking(fs.fsyncSync), fdatasync: blocking(fs.fdatasyncSync) });
  syncBuiltinESMExports();
}

const control = new DiskControl(controlPath, 'join');
await using store = await openStore(path);
let batch = 0;

/** Turns of the event loop for each sync, while appends go on until there were so many syncs. */
async function turnsPerSync(): Promise<number> {
  let turns = 0;
  let isDone = false;
  const turn = (): void => {
    turns++;
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);
  const first = control.calls('sync');
  const lanes = Array.from({ length: Number(inFlight) }, async (_, lane) => {
    while (control.calls('sync') < first + syncsPerRound) {
      await store.append(tortureStream(String(lane)), batchEvents(String(lane), batch++, 1), { expected: 'any' });
    }
  });
  await Promise.all(lanes);
  isDone = true;
  return turns / (control.calls('sync') - first);
}

const delayed: number[] = [];
const undelayed: number[] = [];
await turnsPerSync();
for (let round = 0; round < rounds; round++) {
  undelayed.push(await turnsPerSync());
  control.delaySyncs(delayMicroseconds);
  delayed.push(await turnsPerSync());
  control.delaySyncs(0);
}
const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[rounds >> 1] ?? 0;
const counted: TurnsCounted = { delayed: median(delayed), undelayed: median(undelayed) };
writeSync(1, `${JSON.stringify(counted)}\n`);
