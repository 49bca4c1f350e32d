/**
 * A process that lives through a disk that fills up. It prints what it found as a line of JSON.
 *
 * Arguments: folder on a small file system, seed.
 */
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { DaybookError } from 'daybook';
import type { SqliteStore } from 'daybook/sqlite';

import { checkLog, type Broken } from './support/check-log.ts';
import { runLane, type Ack } from './support/lane.ts';
import { openStore } from './support/open-store.ts';
import { seededRandom } from './support/random.ts';

export interface DiskFullResult {
  readonly broken: readonly Broken[];
  readonly acks: number;
  /** Appends that were refused because the disk was full. */
  readonly refused: number;
  /** Events that a subscription gave, from the first to the last. */
  readonly subscribed: number;
}

const [, , folder = '', seed = '0'] = process.argv;
const path = join(folder, 'x.db');
const ballast = join(folder, 'ballast');
/** Freed only at the end: what is opened then needs some space, whatever the appends have left. */
const reserve = join(folder, 'reserve');
const random = seededRandom(Number(seed));
const lanes = random.between(1, 6);
/** Events in a batch: a few, or so many that the index is behind when the disk is full. */
const eventsPerBatch = random.chance(0.5) ? undefined : 300;
const acks: Ack[] = [];
const broken: Broken[] = [];
let refused = 0;
let subscribed = 0;
let appended = 0;

/** Appends in all lanes at once until each is refused, or so many batches are done. */
async function append(store: SqliteStore, batches?: number): Promise<void> {
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      const streams = lane % 2 === 0 ? 1 : 2;
      try {
        await runLane(store, {
          writer: `0.${lane}`,
          streams,
          batches,
          size: eventsPerBatch,
          onAck: (ack) => void acks.push(ack),
        });
      } catch (error) {
        if (error instanceof DaybookError && error.code === 'disk-full') refused++;
        else broken.push({ kind: 'answer', problem: `On a full disk an append throws ${String(error)}` });
      }
    }),
  );
}

/** Everything that was acknowledged can be read, and nothing that was refused. */
async function check(store: SqliteStore, when: string): Promise<void> {
  const found = await checkLog(store, { acks, positions: 'dense' });
  broken.push(...found.broken.map(({ kind, problem }) => ({ kind, problem: `${when}: ${problem}` })));
  const batches = new Set<string>();
  // The beginning and the end of an id are those of its batch.
  for await (const { id } of store.readAll()) batches.add(`${id.slice(0, 8)}${id.slice(-8)}`);
  appended = found.events;
  if (batches.size > acks.length) {
    broken.push({
      kind: 'answer',
      problem: `${when}: ${batches.size} batches are there, ${acks.length} were accepted`,
    });
  }
}

/** Takes all the space that is left. */
function fill(file: string): void {
  const fd = openSync(file, 'a');
  for (let bytes = 64 * 1024; bytes >= 1;) {
    try {
      writeSync(fd, Buffer.alloc(bytes));
    } catch {
      bytes = Math.floor(bytes / 2);
    }
  }
  closeSync(fd);
}

/** Waits for something that happens by itself, but not for ever. */
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 5_000 && !condition(); turn++) await new Promise((done) => setTimeout(done, 1));
}

async function follow(store: SqliteStore, signal: AbortSignal): Promise<void> {
  let last = 0n;
  try {
    for await (const message of store.subscribeToAll({ signal })) {
      if (message.kind !== 'event') continue;
      if (message.event.position <= last) broken.push({ kind: 'repeated', problem: `The subscription went back` });
      last = message.event.position;
      subscribed++;
    }
  } catch (error) {
    if (!signal.aborted) broken.push({ kind: 'unusable', problem: `The subscription ended: ${String(error)}` });
  }
}

{
  await using store = await openStore(path);
  const ended = new AbortController();
  const following = follow(store, ended.signal);
  writeFileSync(reserve, Buffer.alloc(1024 * 1024));
  writeFileSync(ballast, Buffer.alloc(3 * 1024 * 1024));
  await append(store);
  await check(store, 'The disk is full');
  await append(store, 3);
  await check(store, 'The disk is still full');
  rmSync(ballast);
  const before = acks.length;
  await append(store, 3);
  if (acks.length < before + lanes * 3) broken.push({ kind: 'unusable', problem: 'There is space, and no append' });
  await check(store, 'There is space again');
  const last = acks.reduce((max, { position }) => (position > max ? position : max), 0n);
  const head = await store.head();
  if (head.position !== last) broken.push({ kind: 'lost', problem: `The head is ${head.position} instead of ${last}` });
  await until(() => subscribed >= appended);
  if (subscribed !== appended) {
    broken.push({ kind: 'lost', problem: `The subscription gave ${subscribed} of ${appended} events` });
  }
  ended.abort();
  await following;
}
fill(ballast);
try {
  await using store = await openStore(path);
  await check(store, 'Opened on a full disk');
} catch (error) {
  if (!(error instanceof DaybookError)) {
    broken.push({ kind: 'answer', problem: `Opened on a full disk, it throws ${String(error)}` });
  }
}
rmSync(ballast);
rmSync(reserve);
{
  await using store = await openStore(path);
  await check(store, 'Opened again');
  for await (const { findings } of store.verify()) {
    broken.push(...findings.map(({ problem }) => ({ kind: 'unusable' as const, problem: `verify: ${problem}` })));
  }
}
const result: DiskFullResult = { broken: broken.slice(0, 20), acks: acks.length, refused, subscribed };
writeSync(1, `${JSON.stringify(result)}\n`);
