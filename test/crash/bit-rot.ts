import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import zlib from 'node:zlib';

import { categoryStream, DaybookError, eventTypeStream, type RecordedEvent, type StreamName } from 'daybook';
import type { SqliteStore } from 'daybook/sqlite';

import type { Broken } from './support/check-log.ts';
import { category } from './support/checkable-event.ts';
import { memoryFolder, type Folder } from './support/folder.ts';
import { runLane } from './support/lane.ts';
import { openStore } from './support/open-store.ts';
import { commandFor, commandLine, report, type Outcome, type Run } from './support/outcome.ts';
import { seededRandom, type Random } from './support/random.ts';

/** How a damage came to light, or that it changed nothing. */
type Verdict = 'onOpen' | 'onRead' | 'byVerify' | 'rebuilt' | 'harmless';

/**
 * R6: a bit that flips, a sector that turns to zeros or a file that ends too early is found when the store is opened,
 * when the event is read, or by `verify` - or changes nothing at all. A damaged event is never given as a good one. A
 * damaged index is built again: with it, everything can be read.
 *
 * Mutant `no-checksums`: every checksum is the same.
 */
export async function rot(run: Run): Promise<Outcome> {
  const { cycles, seed, mutant, stopAtFirst = false } = run;
  using _ = mutant === 'no-checksums' ? withoutChecksums() : undefined;
  const random = seededRandom(seed);
  const broken: Broken[] = [];
  const counts: Record<Verdict, number> & { events: number } = {
    onOpen: 0,
    onRead: 0,
    byVerify: 0,
    rebuilt: 0,
    harmless: 0,
    events: 0,
  };
  using folder = memoryFolder();
  const { subjects, truth } = await makeSubjects(folder);
  counts.events = truth.get('$all')?.length ?? 0;
  for (let cycle = 0; cycle < cycles; cycle++) {
    const subject = random.pick(subjects);
    const damaged = folder.file('damaged');
    cpSync(subject, damaged, { recursive: true });
    const { name, damage } = doDamage(damaged, random);
    const judged = name.startsWith('x.db-index') ? judgeIndex : judge;
    const { verdict, problems } = await judged(join(damaged, 'x.db'), truth);
    counts[verdict]++;
    broken.push(
      ...problems.map(({ kind, problem }) => ({
        kind,
        problem: `${subject.split('/').at(-1)}, ${damage}: ${problem}`,
      })),
    );
    rmSync(damaged, { recursive: true });
    // A damaged length that nobody checks may keep a mutant busy for minutes: it ends when it is found out.
    if (stopAtFirst && broken.some(({ kind }) => mutant === undefined || kind === 'altered')) break;
  }
  return { promise: 'R6 bit rot', run, counts, broken, command: commandFor('bit-rot.ts', run) };
}

/** Makes every checksum in this process the same, until the scope ends. */
function withoutChecksums(): Disposable {
  const { crc32 } = zlib;
  const set = (value: typeof crc32): void => {
    zlib.crc32 = value;
    syncBuiltinESMExports();
  };
  set(() => 0);
  return { [Symbol.dispose]: () => set(crc32) };
}

/** All events of a store by the stream that gives them, `$all` and derived streams among them. */
type Contents = ReadonlyMap<string, readonly RecordedEvent[]>;

/**
 * The same log in three shapes: closed, copied while it was open, and as a backup. It is large enough to have an index,
 * and its last part is in none.
 */
async function makeSubjects(folder: Folder): Promise<{ subjects: readonly string[]; truth: Contents }> {
  const [closed, open, backup] = [folder.file('closed'), folder.file('open'), folder.file('backup')];
  for (const path of [closed, open, backup]) mkdirSync(path);
  const path = join(closed, 'x.db');
  {
    await using store = await openStore(path);
    await append(store, { writers: ['a', 'b'], batches: 9, size: 120 });
  }
  let truth: Contents;
  {
    await using store = await openStore(path);
    await append(store, { writers: ['c', 'd'], batches: 20 });
    truth = await contents(store);
    for (const name of readdirSync(closed)) {
      if (!name.endsWith('-shm')) copyFileSync(join(closed, name), join(open, name));
    }
    for await (const progress of store.backup(join(backup, 'x.db'))) if (progress.pagesTotal < 0) break;
  }
  return { subjects: [closed, open, backup], truth };
}

interface AppendOptions {
  readonly writers: readonly string[];
  readonly batches: number;
  readonly size?: number;
}

async function append(store: SqliteStore, { writers, batches, size }: AppendOptions): Promise<void> {
  await Promise.all(
    writers.map((writer, index) =>
      runLane(store, { writer, streams: index === 0 ? 1 : 2, batches, size, onAck: () => {} }),
    ),
  );
}

async function contents(store: SqliteStore): Promise<Contents> {
  const all: RecordedEvent[] = [];
  for await (const page of store.readAll().pages()) all.push(...page);
  const streams = new Map<string, RecordedEvent[]>([['$all', all]]);
  const names = new Set<StreamName>([...all.map(({ stream }) => stream), categoryStream(category)]);
  for (const event of all) names.add(eventTypeStream(event.type));
  for (const name of names) {
    const events: RecordedEvent[] = [];
    for await (const page of store.readStream(name).pages()) events.push(...page);
    streams.set(name, events);
  }
  return streams;
}

/** Damages one file of the folder and says which and how. */
function doDamage(folder: string, random: Random): { readonly name: string; readonly damage: string } {
  const names = readdirSync(folder).filter((name) => readFileSync(join(folder, name)).length > 0);
  const name = random.chance(0.5) && names.includes('x.db') ? 'x.db' : random.pick(names);
  const path = join(folder, name);
  const bytes = readFileSync(path);
  // The first page says what a file is, so it gets more than its share.
  const place = random.between(0, (random.chance(0.15) ? Math.min(bytes.length, 4_096) : bytes.length) - 1);
  const how = random.pick(['flip', 'flip', 'flip', 'zero', 'truncate'] as const);
  switch (how) {
    case 'flip': {
      const bit = random.between(0, 7);
      bytes[place] = (bytes[place] ?? 0) ^ (1 << bit);
      writeFileSync(path, bytes);
      return { name, damage: `bit ${bit} of byte ${place} of ${name} flipped` };
    }
    case 'zero': {
      const from = place - (place % 512);
      bytes.fill(0, from, Math.min(from + 512, bytes.length));
      writeFileSync(path, bytes);
      return { name, damage: `512 bytes from ${from} of ${name} set to zero` };
    }
    case 'truncate':
      writeFileSync(path, bytes.subarray(0, place));
      return { name, damage: `${name} cut from ${bytes.length} to ${place} bytes` };
    default:
      return how satisfies never;
  }
}

interface Judgement {
  readonly verdict: Verdict;
  readonly problems: readonly Broken[];
}

/** Opens, reads and verifies a damaged store, and compares what it gives with the truth. */
async function judge(path: string, truth: Contents): Promise<Judgement> {
  const problems: Broken[] = [];
  let opened: SqliteStore;
  try {
    opened = await openStore(path, { missing: 'refuse' });
  } catch (error) {
    return { verdict: 'onOpen', problems: untyped(error, 'open') };
  }
  await using store = opened;
  let readError: Error | undefined;
  let wrong: string | undefined;
  try {
    const differences = compare(await contents(store), truth);
    wrong = differences.missing ?? differences.altered;
    if (differences.altered !== undefined) problems.push({ kind: 'altered', problem: differences.altered });
  } catch (error) {
    readError = error instanceof Error ? error : new Error('something that is no error', { cause: error });
    problems.push(...untyped(error, 'read'));
  }
  const found = await verifyFinds(store, problems);
  if (readError !== undefined) {
    if (!found)
      problems.push({ kind: 'altered', problem: `A read says ${String(readError)}, and verify says nothing` });
    return { verdict: 'onRead', problems };
  }
  if (found) return { verdict: 'byVerify', problems };
  if (wrong !== undefined) problems.push({ kind: 'lost', problem: `silently wrong: ${wrong}` });
  return { verdict: 'harmless', problems };
}

/** An index of this size must be built again within this time, on the busiest machine. */
const patienceMs = 60_000;

/** The same when only the index is damaged: it can be built again, so nothing may be wrong or missing in the end. */
async function judgeIndex(path: string, truth: Contents): Promise<Judgement> {
  const problems: Broken[] = [];
  let verdict: Verdict = 'harmless';
  try {
    await using store = await openStore(path, { missing: 'refuse' });
    const until = performance.now() + patienceMs;
    let difference = await differenceOf(store, truth);
    if (difference !== undefined) verdict = 'rebuilt';
    // What no read can notice is found here, and then built again.
    if (await verifyFinds(store, problems)) verdict = 'byVerify';
    else if (difference !== undefined && difference !== isBeingBuilt) {
      problems.push({ kind: 'lost', problem: `silently wrong: ${difference}` });
    }
    while (difference !== undefined && performance.now() < until) difference = await differenceOf(store, truth);
    if (difference !== undefined) problems.push({ kind: 'lost', problem: `for ever ${difference}` });
    let found = verdict === 'byVerify' ? await findingOf(store, problems) : undefined;
    while (found !== undefined && performance.now() < until) found = await findingOf(store, problems);
    if (found !== undefined) problems.push({ kind: 'derived', problem: `verify finds it for ever: ${found}` });
  } catch (error) {
    problems.push({
      kind: 'unusable',
      problem: `the index is damaged, and the store cannot be used: ${String(error)}`,
    });
  }
  return { verdict, problems };
}

const isBeingBuilt = 'the index is being built again';

async function differenceOf(store: SqliteStore, truth: Contents): Promise<string | undefined> {
  try {
    const { missing, altered } = compare(await contents(store), truth);
    return altered ?? missing;
  } catch (error) {
    if (error instanceof DaybookError && error.code === 'index-damaged') return isBeingBuilt;
    throw error;
  }
}

/** What `verify` finds first. */
async function findingOf(store: SqliteStore, problems: Broken[]): Promise<string | undefined> {
  try {
    for await (const { findings } of store.verify()) if (findings[0] !== undefined) return findings[0].problem;
    return undefined;
  } catch (error) {
    problems.push(...untyped(error, 'verify'));
    return String(error);
  }
}

async function verifyFinds(store: SqliteStore, problems: Broken[]): Promise<boolean> {
  return (await findingOf(store, problems)) !== undefined;
}

/** Damage is reported by an error that a caller can act on, not by whatever the database library says. */
function untyped(error: unknown, during: string): readonly Broken[] {
  if (error instanceof DaybookError) return [];
  return [{ kind: 'answer', problem: `${during} throws an error without a code of ours: ${String(error)}` }];
}

interface Differences {
  /** An event that is given and was never appended like this. */
  readonly altered?: string;
  /** A stream that lacks an event, or has one too many. */
  readonly missing?: string;
}

function compare(found: Contents, truth: Contents): Differences {
  const byPosition = new Map(truth.get('$all')?.map((event) => [event.position, event]));
  let missing: string | undefined;
  for (const name of new Set([...truth.keys(), ...found.keys()])) {
    const events = found.get(name) ?? [];
    for (const event of events) {
      const original = byPosition.get(event.position);
      if (original === undefined || !isSame(event, original)) {
        return { altered: `${name} gives position ${event.position} as it never was` };
      }
    }
    const expected = truth.get(name) ?? [];
    const at = expected.findIndex((event, index) => {
      const other = events[index];
      return other?.position !== event.position || other.link?.revision !== event.link?.revision;
    });
    if (at !== -1 || events.length !== expected.length) {
      missing ??= `${name} gives ${events.length} events instead of ${expected.length}, and differs at ${at}`;
    }
  }
  return missing === undefined ? {} : { missing };
}

function isSame(one: RecordedEvent, other: RecordedEvent): boolean {
  return (
    one.stream === other.stream &&
    one.revision === other.revision &&
    one.id === other.id &&
    one.type === other.type &&
    one.contentType === other.contentType &&
    one.created.getTime() === other.created.getTime() &&
    Buffer.compare(one.data, other.data) === 0 &&
    Buffer.compare(one.metadata, other.metadata) === 0
  );
}

if (import.meta.main) report(await rot(commandLine(50_000).run));
