import type { Broken } from './support/check-log.ts';
import { startChild } from './support/child.ts';
import { compileDiskShim, DiskControl } from './support/disk-shim.ts';
import { memoryFolder } from './support/folder.ts';
import { commandFor, commandLine, report, type Outcome, type Run } from './support/outcome.ts';

/**
 * The loop must turn at least so often during a sync of 2 ms. It turns hundreds of times when it is free, and at most once
 * when it waits.
 */
const leastTurns = 10;

/**
 * A sync of 2 ms does not stop the event loop: while it lasts, the loop goes on turning, of whoever appends to a store and
 * of a server whose client does.
 *
 * The disk is in memory, and 2 ms are added to each sync. Mutant `blocking`: a store that syncs on the loop's own thread.
 */
export async function delaySyncs(run: Run): Promise<Outcome> {
  const { cycles, mutant = '' } = run;
  const broken: Broken[] = [];
  const counts: Record<string, number> = {};
  using shim = compileDiskShim();
  for (let cycle = 0; cycle < cycles; cycle++) {
    for (const who of ['store', 'client'] as const) {
      for (const inFlight of [1, 16]) {
        const turns = await count(shim.environment, { who, inFlight, mutant });
        counts[`${who}TurnsPerSync${inFlight}`] = Math.round(turns);
        if (turns >= leastTurns) continue;
        const problem =
          `With ${inFlight} appends in flight, by the ${who}, the event loop turns ${turns.toFixed(1)} times during a ` +
          'sync of 2 ms: it stands still.';
        broken.push({ kind: 'slow', problem });
      }
    }
  }
  return { promise: 'Slow sync', run, counts, broken, command: commandFor('event-loop.ts', run) };
}

interface Appending {
  readonly who: 'store' | 'client';
  readonly inFlight: number;
  readonly mutant: string;
}

async function count(
  environment: ReturnType<typeof compileDiskShim>['environment'],
  { who, inFlight, mutant }: Appending,
): Promise<number> {
  using folder = memoryFolder();
  using outside = memoryFolder();
  using control = new DiskControl(outside.file('control'));
  let answer = '';
  await using child = startChild(new URL('event-loop-child.ts', import.meta.url), {
    args: [folder.file('x.db'), control.path, who, String(inFlight), mutant],
    environment: environment({ folder: folder.path, control }),
    onLine: (line) => (answer = line),
  });
  const { errors } = await child.ended;
  if (answer === '') throw new Error(`The process ended by itself: ${errors}`);
  return Number(answer);
}

if (import.meta.main) report(await delaySyncs(commandLine(3).run));
