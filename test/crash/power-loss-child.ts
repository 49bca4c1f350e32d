/**
 * A process that appends to a store while the disk shim watches it, and writes each ack to a file that the shim knows.
 *
 * Arguments: path of the store, file for the acks, scenario, seed.
 */
import { randomUUID } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { categoryStream, jsonEvent, setStreamMetadata, streamName } from 'daybook';
import { restoreSqliteStore } from 'daybook/sqlite';

import { backToFormat1 } from '../fixtures/format-1.ts';
import { category } from './support/checkable-event.ts';
import { formatAck, formatNote, runLane, type Ack } from './support/lane.ts';
import { openStore } from './support/open-store.ts';
import { seededRandom } from './support/random.ts';

const [, , path = '', ackPath = '', scenario = '', seed = '0'] = process.argv;
const random = seededRandom(Number(seed));
const acks = openSync(ackPath, 'a');
const onAck = (ack: Ack): void => void writeSync(acks, formatAck(ack));

interface Work {
  /** Lanes append at the same time. */
  readonly lanes: number;
  readonly batches: number;
  /** Events in each batch. Default: 1 to 5. */
  readonly size?: number;
  /** Called after each ack. */
  readonly alongside?: () => void;
}

/** Opens the store, appends and closes it. */
async function appendAndClose({ lanes, batches, size, alongside }: Work): Promise<void> {
  await using store = await openStore(path);
  await Promise.all(
    Array.from({ length: lanes }, (_, lane) =>
      runLane(store, {
        writer: `0.${lane}`,
        streams: lane % 3 === 2 ? 2 : 1,
        batches,
        size,
        onAck: (ack) => {
          onAck(ack);
          alongside?.();
        },
      }),
    ),
  );
}

/** Reads a derived stream now and then while the store is appended to. */
async function readBetween(): Promise<void> {
  await using store = await openStore(path);
  for (let round = 0; round < 6; round++) {
    await Promise.all([0, 1, 2].map((lane) => runLane(store, { writer: `0.${lane}`, batches: 4, onAck })));
    for await (const page of store.readStream(categoryStream(category)).pages()) if (page.length === 0) break;
  }
}

/** Between appends the write-ahead file is moved into the log, as another process may do: the next append begins it anew. */
async function restartWriteAheadFile(): Promise<void> {
  await using store = await openStore(path);
  for (let round = 0; round < 5; round++) {
    await Promise.all([0, 1].map((lane) => runLane(store, { writer: `0.${lane}`, batches: 6, onAck })));
    const other = new DatabaseSync(path);
    other.exec('PRAGMA wal_checkpoint(PASSIVE)');
    other.close();
  }
}

/** Segments that are sealed, of which most has nothing to show any more. */
async function hide(): Promise<void> {
  await using store = await openStore(path);
  const hidden = streamName('Hidden-1');
  const events = Array.from({ length: 800 }, (_, data) => jsonEvent({ type: 'Hidden', data }));
  for (let round = 0; round < 4; round++) {
    await store.append(
      hidden,
      events.map((event) => ({ ...event, id: randomUUID() })),
      { expected: 'any' },
    );
    await runLane(store, { writer: '0.0', batches: 3, onAck });
  }
  await setStreamMetadata(store, hidden, { metadata: { maxCount: 1, custom: {} }, expected: 'any' });
}

async function scavenge(): Promise<void> {
  await using store = await openStore(path);
  const appending = runLane(store, { writer: '0.1', batches: 12, onAck });
  for await (const { eventsFreed } of store.scavenge()) if (eventsFreed < 0n) break;
  await appending;
}

async function backUp(): Promise<void> {
  await using store = await openStore(path);
  for await (const { pagesDone } of store.backup(beside('backup.db'))) if (pagesDone < 0) break;
  writeSync(acks, formatNote('made', 'backup.db'));
}

async function restore(): Promise<void> {
  await restoreSqliteStore(path, beside('restored.db'));
  writeSync(acks, formatNote('made', 'restored.db'));
}

function beside(name: string): string {
  return join(dirname(path), name);
}

let untilKill = random.between(5, 60);
const killSometime = (): void => {
  if (--untilKill === 0) process.kill(process.pid, 'SIGKILL');
};

const scenarios: Readonly<Record<string, () => Promise<void>>> = {
  make: () => appendAndClose({ lanes: 0, batches: 0 }),
  append: () => appendAndClose({ lanes: 1, batches: 60 }),
  'group-commit': () => appendAndClose({ lanes: 12, batches: 8 }),
  'derived-reads': readBetween,
  'restart-write-ahead-file': restartWriteAheadFile,
  reopen: async () => {
    for (let round = 0; round < 4; round++) {
      await appendAndClose({ lanes: random.between(1, 4), batches: random.between(1, 8) });
    }
  },
  kill: () => appendAndClose({ lanes: 4, batches: 40, alongside: killSometime }),
  // What is opened next is of an older format.
  old: async () => backToFormat1(path),
  hide,
  scavenge,
  backup: backUp,
  restore,
  // So many events that the index file is written when the store is closed.
  'index-on-close': () => appendAndClose({ lanes: 2, batches: 6, size: 200 }),
  // So many that it is written while the store is appended to.
  index: () => appendAndClose({ lanes: 3, batches: 8, size: 400 }),
  // So many that the write-ahead file is moved into the log and begun anew.
  checkpoint: () => appendAndClose({ lanes: 3, batches: 44, size: 500 }),
};

const run = scenarios[scenario];
if (run === undefined) throw new Error(`There is no scenario ${scenario}.`);
writeSync(acks, formatNote('began', scenario));
await run();
