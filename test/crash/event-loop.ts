import type { TurnsCounted } from './event-loop-child.ts';
import type { Broken } from './support/check-log.ts';
import { startChild } from './support/child.ts';
import { compileDiskShim, DiskControl } from './support/disk-shim.ts';
import { memoryFolder } from './support/folder.ts';
import { commandFor, commandLine, report, type Outcome, type Run } from './support/outcome.ts';

/** A slow sync must leave the loop at least so many times the turns of a fast one. It lasts hundreds of times longer. */
const leastRatio = 5;

/**
 * A sync of 2 ms does not stop the event loop: while it lasts, the loop goes on turning.
 *
 * Turns are counted for each sync, on a disk in memory and on the same disk with 2 ms added to each sync. If the loop
 * waited for the sync, both counts would be the same. Mutant `blocking`: a store that syncs on the loop's own thread.
 */
export async function delaySyncs(run: Run): Promise<Outcome> {
  const { cycles, mutant = '' } = run;
  const broken: Broken[] = [];
  const counts: Record<string, number> = {};
  using shim = compileDiskShim();
  for (let cycle = 0; cycle < cycles; cycle++) {
    for (const inFlight of [1, 16]) {
      const { delayed, undelayed } = await count(shim.environment, inFlight, mutant);
      counts[`turnsPerSync${inFlight}`] = Math.round(undelayed);
      counts[`turnsPerSlowSync${inFlight}`] = Math.round(delayed);
      if (delayed < leastRatio * undelayed) {
        const problem =
          `With ${inFlight} appends in flight the event loop turns ${delayed.toFixed(1)} times during a slow sync ` +
          `and ${undelayed.toFixed(1)} times during a fast one: it stands still.`;
        broken.push({ kind: 'slow', problem });
      }
    }
  }
  return { promise: 'Slow sync', run, counts, broken, command: commandFor('event-loop.ts', run) };
}

async function count(
  environment: ReturnType<typeof compileDiskShim>['environment'],
  inFlight: number,
  mutant: string,
): Promise<TurnsCounted> {
  using folder = memoryFolder();
  using outside = memoryFolder();
  using control = new DiskControl(outside.file('control'));
  let answer = '';
  await using child = startChild(new URL('event-loop-child.ts', import.meta.url), {
    args: [folder.file('x.db'), control.path, String(inFlight), mutant],
    environment: environment({ folder: folder.path, control }),
    onLine: (line) => (answer = line),
  });
  const { errors } = await child.ended;
  if (answer === '') throw new Error(`The process ended by itself: ${errors}`);
  return JSON.parse(answer) as TurnsCounted; // Our own child wrote it.
}

if (import.meta.main) report(await delaySyncs(commandLine(3).run));
