import type { Broken } from './check-log.ts';
import { startChild, type Child } from './child.ts';
import { diskFolder } from './folder.ts';
import type { Outcome, Run } from './outcome.ts';
import { seededRandom, type Random } from './random.ts';

/** One store is followed through so many kills. */
const killsPerStore = 20;

/** A process comes to its point at most so many times before it is killed there. */
const mostTimes = 6;

/** What was found in a store, with kills counted by point. */
export interface Checked {
  readonly broken: readonly Broken[];
  readonly counts: Readonly<Record<string, number>>;
}

export interface KillCycles<Point extends string> {
  /** The programme to kill. It reads its orders as `kill-orders.ts` says. Its argument is the mutant. */
  readonly child: URL;
  readonly points: readonly Point[];
  /** Gives the process something to do. */
  readonly prepare: (path: string, random: Random) => Promise<void>;
  /** Looks at what a store is like after so many kills at each point, and a life that went on to the end. */
  readonly check: (path: string, kills: ReadonlyMap<Point, number>) => Promise<Checked>;
}

/**
 * Lets processes kill themselves at each of some points in turn, lets one live to the end, and checks. What ends
 * before it was killed is told as broken: a programme that does not kill proves nothing.
 */
export async function killInCycles<Point extends string>(
  { cycles, seed, mutant, stopAtFirst = false }: Run,
  { child: programme, points, prepare, check }: KillCycles<Point>,
): Promise<Pick<Outcome, 'broken' | 'counts'>> {
  const random = seededRandom(seed);
  const broken: Broken[] = [];
  const counts: Record<string, number> = { kills: 0 };
  const start = (): Child => startChild(programme, { args: [mutant ?? ''] });
  let next = start(); // The next process loads its modules while this one lives.
  try {
    for (let cycle = 0; cycle < cycles;) {
      using folder = diskFolder();
      const path = folder.file('x.db');
      const kills = new Map<Point, number>();
      for (let kill = 0; kill < killsPerStore && cycle < cycles; kill += 1, cycle += 1) {
        await prepare(path, random);
        const child = next;
        next = start();
        const point = points[cycle % points.length]!; // There is at least one.
        const isKilled = await live(child, `${path} ${point} ${random.between(1, mostTimes)}`, broken);
        if (isKilled) kills.set(point, (kills.get(point) ?? 0) + 1);
        else broken.push({ kind: 'unusable', problem: `It came to its end before it was killed at ${point}.` });
      }
      const last = next;
      next = start();
      if (await live(last, path, broken)) broken.push({ kind: 'unusable', problem: 'It was killed by itself.' });
      const checked = await check(path, kills);
      broken.push(...checked.broken);
      for (const [what, count] of [...kills, ...Object.entries(checked.counts)]) {
        counts[what] = (counts[what] ?? 0) + count;
      }
      for (const count of kills.values()) counts['kills'] = (counts['kills'] ?? 0) + count;
      if (stopAtFirst && broken.length > 0) break;
    }
  } finally {
    await next[Symbol.asyncDispose]();
  }
  return { broken, counts };
}

/** Lets a process do what it is told, and says whether it was killed. Any other end but a good one is broken. */
async function live(child: Child, orders: string, broken: Broken[]): Promise<boolean> {
  await child.ready;
  child.send(orders);
  const { code, signal, errors } = await child.ended;
  if (signal === 'SIGKILL') return true;
  if (code !== 0) broken.push({ kind: 'unusable', problem: `It ended by itself with ${signal ?? code}: ${errors}` });
  return false;
}
