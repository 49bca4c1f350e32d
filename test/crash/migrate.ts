import { copyFileSync, existsSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';

import { backToFormat1, lookInto, type LogFile } from '../fixtures/format-1.ts';
import type { Opened, OpenTask } from './migrate-child.ts';
import { checkLog, type Broken } from './support/check-log.ts';
import { startChild, type Child } from './support/child.ts';
import { compileDiskShim, DiskControl, type Failure } from './support/disk-shim.ts';
import { memoryFolder, type Folder } from './support/folder.ts';
import { runLane, type Ack } from './support/lane.ts';
import { openStore } from './support/open-store.ts';
import { commandFor, commandLine, report, type Outcome, type Run } from './support/outcome.ts';
import { seededRandom, type Random } from './support/random.ts';

const newest = 2;
/** How many processes open the same stores at once, and how many stores one after the other. */
const processes = 2;
const storesAtOnce = 40;

/** What fails while a store is migrated, and how. */
const ways: readonly Omit<Failure, 'nth'>[] = [
  { operation: 'write', error: 'ENOSPC', times: 1_000 },
  { operation: 'write', error: 'EIO', times: 1 },
  { operation: 'write', error: 'short', times: 1 },
  { operation: 'sync', error: 'EIO', times: 1 },
  { operation: 'truncate', error: 'EIO', times: 1 },
  { operation: 'create', error: 'ENOSPC', times: 1 },
  { operation: 'read', error: 'EIO', times: 1 },
];

/** What opening a store on such a disk may throw. What SQLite cannot read, it takes for damaged. */
const codes: ReadonlySet<string> = new Set([
  'disk-full',
  'store-read-only',
  'io-error',
  'store-busy',
  'store-damaged',
  'not-a-store',
]);

/**
 * R21: a store of an older format has the same events in the newest one. Processes that open it at once are killed, and
 * each call to the disk fails once: it has one format or the other, whole, and opens with everything in it.
 *
 * Mutant `two-transactions`: a migration that commits half way.
 */
export async function migrate(run: Run): Promise<Outcome> {
  const { cycles, seed, mutant } = run;
  const random = seededRandom(seed);
  const counts = { kills: 0, old: 0, migrated: 0, interrupted: 0, failures: 0 };
  const broken: Broken[] = [];
  using folder = memoryFolder();
  const old = await makeOld(folder);
  for (let cycle = 0; cycle < cycles && !(run.stopAtFirst === true && broken.length > 0); cycle++) {
    using copies = memoryFolder();
    const paths = await openAndKill(copies, { old, random, mutant });
    counts.kills += processes;
    for (const path of paths) {
      const isInterrupted = existsSync(`${path}-wal`);
      const found = await check(path, old, isInterrupted);
      counts.interrupted += isInterrupted ? 1 : 0;
      counts[found.format === newest ? 'migrated' : 'old']++;
      broken.push(...found.broken.map((one) => ({ ...one, problem: `Killed: ${one.problem}` })));
    }
  }
  if (mutant === undefined) {
    const failed = await failEachCall(old);
    counts.failures = failed.failures;
    broken.push(...failed.broken);
  }
  return { promise: 'R21 migration', run, counts, broken, command: commandFor('migrate.ts', run) };
}

/** A store of format 1, and what is in it. */
interface Old {
  readonly path: string;
  readonly file: LogFile;
  readonly acks: readonly Ack[];
}

async function makeOld(folder: Folder): Promise<Old> {
  const path = folder.file('x.db');
  const acks: Ack[] = [];
  {
    await using store = await openStore(path);
    await runLane(store, { writer: '0.0', batches: 6, streams: 2, onAck: (ack) => void acks.push(ack) });
  }
  backToFormat1(path);
  return { path, file: lookInto(path), acks };
}

interface KillOptions {
  readonly old: Old;
  readonly random: Random;
  readonly mutant: string | undefined;
}

async function openAndKill(folder: Folder, { old, random, mutant = '' }: KillOptions): Promise<readonly string[]> {
  const paths = Array.from({ length: storesAtOnce }, (_, index) => folder.file(`${index}.db`));
  for (const path of paths) copyFileSync(old.path, path);
  const children = Array.from({ length: processes }, () =>
    startChild(new URL('migrate-child.ts', import.meta.url), { args: ['-', mutant] }),
  );
  await Promise.all(children.map(({ ready }) => ready));
  for (const child of children) child.send(JSON.stringify({ paths } satisfies OpenTask));
  await Promise.all(
    children.map(async (child) => {
      await after(random.between(2, 200));
      child.kill();
      await child.ended;
    }),
  );
  return paths;
}

/** One format or the other, whole, with the same rows; and when `opens`, everything is in it for readers, too. */
async function check(
  path: string,
  old: Old,
  opens: boolean,
): Promise<{ readonly format: unknown; readonly broken: readonly Broken[] }> {
  const { format, rows, schema } = lookInto(path);
  const broken: Broken[] = [];
  const say = (problem: string): void => void broken.push({ kind: 'partial', problem });
  const triggers = schema.length - old.file.schema.length;
  if (rows !== old.file.rows) say('The rows are not as they were');
  if (format === 1 ? triggers !== 0 : format !== newest || triggers !== 4)
    say(`Format ${String(format)}, ${triggers} triggers`);
  if (opens) broken.push(...(await checkOpened(path, old)));
  return { format, broken };
}

async function checkOpened(path: string, old: Old): Promise<readonly Broken[]> {
  try {
    await using store = await openStore(path, { missing: 'refuse' });
    const { broken } = await checkLog(store, { acks: old.acks, positions: 'dense' });
    const found: Broken[] = [...broken];
    for await (const { findings } of store.verify()) {
      found.push(...findings.map(({ problem }) => ({ kind: 'unusable' as const, problem })));
    }
    return found;
  } catch (error) {
    return [{ kind: 'unusable', problem: `The store cannot be opened: ${String(error)}` }];
  }
}

/** Lets the first call to the disk fail while a store is migrated, then the second, until there are no more. */
async function failEachCall(old: Old): Promise<{ failures: number; broken: readonly Broken[] }> {
  using shim = compileDiskShim();
  using watched = memoryFolder();
  using outside = memoryFolder();
  using control = new DiskControl(outside.file('control'));
  const answers: ((line: string) => void)[] = [];
  await using child = startChild(new URL('migrate-child.ts', import.meta.url), {
    args: [control.path],
    environment: shim.environment({ folder: watched.path, control }),
    onLine: (line) => answers.shift()?.(line),
  });
  await child.ready;
  const broken: Broken[] = [];
  let failures = 0;
  for (const way of ways) {
    for (let nth = 1, failed = 1; failed > 0; nth += 1) {
      const path = watched.file(`${way.operation}-${way.error}-${nth}.db`);
      copyFileSync(old.path, path);
      const opened = await openIn(child, answers, { paths: [path], failure: { ...way, nth } });
      failed = opened.failed;
      failures += failed;
      const where = `${way.operation} ${nth} with ${way.error} ${way.times} times`;
      const isOurs = opened.code === undefined || codes.has(opened.code);
      if (!isOurs) broken.push({ kind: 'answer', problem: `${where}: it throws ${opened.code}` });
      const found = await check(path, old, true);
      broken.push(...found.broken.map(({ kind, problem }) => ({ kind, problem: `${where}: ${problem}` })));
    }
  }
  return { failures, broken };
}

async function openIn(child: Child, answers: ((line: string) => void)[], task: OpenTask): Promise<Opened> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  answers.push(resolve);
  void child.ended.then(({ errors }) => reject(new Error(`The process ended: ${errors}`)));
  child.send(JSON.stringify(task));
  return JSON.parse(await promise) as Opened; // Our own child wrote it.
}

if (import.meta.main) report(await migrate(commandLine(500).run));
