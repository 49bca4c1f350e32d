import { performance } from 'node:perf_hooks';
import { setTimeout as after } from 'node:timers/promises';

import { checkLog, type Broken } from './support/check-log.ts';
import { startChild, type Child } from './support/child.ts';
import { diskFolder } from './support/folder.ts';
import { parseAck, type Ack } from './support/lane.ts';
import { openStore } from './support/open-store.ts';
import { commandFor, commandLine, report, type Outcome, type Run } from './support/outcome.ts';
import { seededRandom, type Random } from './support/random.ts';

/**
 * After this many kills the next ones begin with a new store, so that creation is interrupted too. Most stores get
 * small batches; every fourth gets large ones, so that it has an index, and the index is interrupted.
 */
const stores = [
  { kills: 20, size: 0 },
  { kills: 20, size: 0 },
  { kills: 20, size: 0 },
  { kills: 8, size: 300 },
] as const;

/** A store must open within this time after a kill. */
const reopenMs = 2_000;

export interface KillWriterRun extends Run {
  /** Processes that append to the same file at once. Default: 1. */
  readonly writers?: number | undefined;
}

/**
 * R1: what was acknowledged before a `kill -9` is there afterwards, whole, at its place and in all derived streams.
 *
 * Each cycle lets the writers open the store and append, kills each at a moment of its own, opens the store and reads
 * all of it. Mutant `two-transactions`: a store that commits an append in two transactions.
 */
export async function killWriter(run: KillWriterRun): Promise<Outcome> {
  const { cycles, seed, mutant, stopAtFirst = false, writers: count = 1 } = run;
  const random = seededRandom(seed);
  const broken: Broken[] = [];
  const counts = { writers: count, kills: 0, acks: 0, events: 0, slowestReopenMs: 0 };
  // The next writers load their modules while these ones append.
  let next = startWriters({ count, size: 0, mutant });
  try {
    for (let cycle = 0, made = 0; cycle < cycles; made++) {
      const { kills, size } = storeOf(made);
      using folder = diskFolder();
      const path = folder.file('x.db');
      const acks: Ack[] = [];
      for (let kill = 0; kill < kills && cycle < cycles; kill++, cycle++) {
        const writers = next;
        next = startWriters({ count, size: kill + 1 < kills ? size : storeOf(made + 1).size, mutant });
        const [newAcks, problems] = await killAll(writers, path, random);
        acks.push(...newAcks);
        const reopened = await reopen(path, acks);
        broken.push(...problems, ...reopened.broken);
        counts.kills += count;
        counts.acks += newAcks.length;
        counts.events = Math.max(counts.events, reopened.events);
        counts.slowestReopenMs = Math.max(counts.slowestReopenMs, Math.round(reopened.openMs));
        if (stopAtFirst && broken.length > 0) cycle = cycles;
      }
    }
  } finally {
    await Promise.all(next.map(({ child }) => child[Symbol.asyncDispose]()));
  }
  const command = commandFor('kill-writer.ts', run, `--writers ${count}`);
  return { promise: `R1 kill -9 of ${count} writers`, run, counts, broken, command };
}

interface Writer {
  readonly child: Child;
  readonly acks: readonly Ack[];
  readonly firstAck: Promise<void>;
}

function storeOf(number: number): { readonly kills: number; readonly size: number } {
  return stores[number % stores.length] ?? stores[0];
}

interface StartWritersOptions {
  readonly count: number;
  /** Events in a batch. 0: 1 to 5. */
  readonly size: number;
  readonly mutant: string | undefined;
}

function startWriters({ count, size, mutant = '' }: StartWritersOptions): readonly Writer[] {
  return Array.from({ length: count }, (_, writer) => {
    const acks: Ack[] = [];
    const { promise: firstAck, resolve } = Promise.withResolvers<void>();
    const child = startChild(new URL('kill-writer-child.ts', import.meta.url), {
      args: [String(writer), String(size), mutant],
      onLine: (line) => {
        acks.push(parseAck(line));
        resolve();
      },
    });
    return { child, acks, firstAck };
  });
}

/** Lets the writers append to the store and kills each 2 to 80 ms after it began to open it, or after its first ack. */
async function killAll(writers: readonly Writer[], path: string, random: Random): Promise<[Ack[], Broken[]]> {
  await Promise.all(writers.map(({ child }) => child.ready));
  for (const { child } of writers) child.send(path);
  await Promise.all(
    writers.map(async ({ child, firstAck }) => {
      if (random.chance(0.5)) await Promise.race([firstAck, child.ended]);
      await after(random.between(2, 80));
      child.kill();
    }),
  );
  const broken: Broken[] = [];
  for (const { child } of writers) {
    const { signal, code, errors } = await child.ended;
    if (signal !== 'SIGKILL') {
      broken.push({ kind: 'unusable', problem: `A writer ended by itself with ${signal ?? code}: ${errors}` });
    }
  }
  return [writers.flatMap(({ acks }) => acks), broken];
}

async function reopen(
  path: string,
  acks: readonly Ack[],
): Promise<{ broken: readonly Broken[]; events: number; openMs: number }> {
  const before = performance.now();
  try {
    await using store = await openStore(path);
    const openMs = performance.now() - before;
    const { broken, events } = await checkLog(store, { acks, positions: 'dense' });
    const slow: Broken = { kind: 'slow', problem: `The store took ${Math.round(openMs)} ms to open.` };
    return { broken: openMs > reopenMs ? [...broken, slow] : broken, events, openMs };
  } catch (error) {
    const problem = `The store cannot be opened after the kill: ${String(error)}`;
    return { broken: [{ kind: 'unusable', problem }], events: 0, openMs: performance.now() - before };
  }
}

if (import.meta.main) {
  const { run, number } = commandLine(20_000, 'writers');
  report(await killWriter({ ...run, writers: number('writers', 1) }));
}
