import type { PointResult } from './io-errors-child.ts';
import type { Broken } from './support/check-log.ts';
import { startChild } from './support/child.ts';
import { compileDiskShim, DiskControl, type Failure } from './support/disk-shim.ts';
import { memoryFolder } from './support/folder.ts';
import { commandFor, commandLine, report, type Outcome, type Run } from './support/outcome.ts';
import { seededRandom } from './support/random.ts';

/** What fails, and how. */
const ways: readonly Omit<Failure, 'nth'>[] = [
  { operation: 'sync', error: 'EIO', times: 1 },
  { operation: 'sync', error: 'EIO', times: 1_000 },
  { operation: 'write', error: 'EIO', times: 1 },
  { operation: 'write', error: 'ENOSPC', times: 1 },
  { operation: 'write', error: 'ENOSPC', times: 1_000 },
  { operation: 'write', error: 'short', times: 1 },
  { operation: 'write', error: 'EINTR', times: 2 },
  { operation: 'truncate', error: 'EIO', times: 1 },
  { operation: 'create', error: 'ENOSPC', times: 1 },
  { operation: 'unlink', error: 'EIO', times: 1 },
  { operation: 'rename', error: 'EIO', times: 1 },
  { operation: 'read', error: 'EIO', times: 1 },
  { operation: 'any', error: 'EIO', times: 1_000 },
];

/**
 * R4: whichever call to the disk fails, an append that says that nothing was written left nothing, one that says it
 * does not know left all or nothing, and a store whose sync failed does not acknowledge anything through that handle.
 *
 * For each kind of failure the first call fails, then the second, until the scenario ends before its call comes. With
 * fewer cycles than there are such points, some are drawn. Mutant `ignore-errors`: a failed append counts as acknowledged.
 */
export async function failDisk(run: Run): Promise<Outcome> {
  const { cycles, seed, mutant = '' } = run;
  const random = seededRandom(seed);
  const broken: Broken[] = [];
  const counts = { points: 0, failures: 0, acks: 0, definite: 0, unknown: 0 };
  using shim = compileDiskShim();
  using watched = memoryFolder();
  using outside = memoryFolder();
  using control = new DiskControl(outside.file('control'));
  const folder = watched.file('store');
  let answer: ((line: string) => void) | undefined;
  await using child = startChild(new URL('io-errors-child.ts', import.meta.url), {
    args: [folder, control.path, mutant],
    environment: shim.environment({ folder, control }),
    onLine: (line) => answer?.(line),
  });
  const at = async (failure: Failure): Promise<PointResult> => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    answer = resolve;
    void child.ended.then(({ errors, signal, code }) =>
      reject(new Error(`At ${JSON.stringify(failure)} the process ended with ${signal ?? code}: ${errors}`)),
    );
    child.send(JSON.stringify(failure));
    return JSON.parse(await promise) as PointResult; // Our own child wrote it.
  };
  // How often each kind of call is made when none fails.
  const lengths = new Map<Failure['operation'], number>();
  for (const { operation } of ways) lengths.set(operation, await callsOf(operation, control, at));
  const points = ways.flatMap((way) =>
    Array.from({ length: lengths.get(way.operation) ?? 0 }, (_, index) => ({ ...way, nth: index + 1 })),
  );
  while (points.length > cycles) points.splice(random.between(0, points.length - 1), 1);
  for (const point of points) {
    const result = await at(point);
    counts.points++;
    counts.failures += result.failed;
    counts.acks += result.acks;
    counts.definite += result.definite;
    counts.unknown += result.unknown;
    const where = `${point.operation} ${point.nth} with ${point.error} ${point.times} times`;
    broken.push(...result.broken.map(({ kind, problem }) => ({ kind, problem: `${where}: ${problem}` })));
  }
  return { promise: 'R4 failing disk', run, counts, broken, command: commandFor('io-errors.ts', run) };
}

async function callsOf(
  operation: Failure['operation'],
  control: DiskControl,
  at: (failure: Failure) => Promise<PointResult>,
): Promise<number> {
  const before = control.calls(operation);
  // The call that fails never comes, and a read is counted only when reads may fail.
  await at({ operation, nth: 2 ** 31, error: 'EIO', times: 1 });
  return control.calls(operation) - before;
}

if (import.meta.main) report(await failDisk(commandLine(1_000_000).run));
