import type { DiskFullResult } from './disk-full-child.ts';
import type { Broken } from './support/check-log.ts';
import { startChild } from './support/child.ts';
import { diskFolder } from './support/folder.ts';
import { commandFor, commandLine, report, type Outcome, type Run } from './support/outcome.ts';
import { seededRandom } from './support/random.ts';
import { onSmallDisk } from './support/small-disk.ts';

/**
 * R5: on a full disk an append is refused and nothing of it is there, reads and subscriptions go on, and appends do
 * too as soon as there is space, without opening the store again. Nothing that was acknowledged is lost.
 */
export async function fillDisk(run: Run): Promise<Outcome> {
  const random = seededRandom(run.seed);
  const broken: Broken[] = [];
  const counts = { acks: 0, refused: 0, subscribed: 0 };
  for (let cycle = 0; cycle < run.cycles; cycle++) {
    using folder = diskFolder();
    const sizeMiB = random.between(6, 14);
    let answer = '';
    await using child = startChild(new URL('disk-full-child.ts', import.meta.url), {
      args: [folder.path, String(random.between(0, 2 ** 31))],
      wrapper: onSmallDisk(folder.path, `${sizeMiB}m`),
      onLine: (line) => (answer = line),
    });
    const { errors } = await child.ended;
    if (answer === '') {
      broken.push({ kind: 'unusable', problem: `The process ended by itself: ${errors}` });
      continue;
    }
    const result = JSON.parse(answer) as DiskFullResult; // Our own child wrote it.
    broken.push(...result.broken.map((one) => ({ ...one, problem: `${sizeMiB} MiB: ${one.problem}` })));
    counts.acks += result.acks;
    counts.refused += result.refused;
    counts.subscribed += result.subscribed;
    if (result.refused === 0) broken.push({ kind: 'answer', problem: 'No append was refused: the disk was not full' });
  }
  return { promise: 'R5 full disk', run, counts, broken, command: commandFor('disk-full.ts', run) };
}

if (import.meta.main) report(await fillDisk(commandLine(20).run));
