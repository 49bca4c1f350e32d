import { once } from 'node:events';

import { sayReady } from './say-ready.ts';

/** What a process that is to kill itself was told: which store, and when. */
export interface KillOrders<Point extends string> {
  /** Of the store. */
  readonly path: string;
  /** Whether it is to be killed at all. */
  readonly isDoomed: boolean;
  /** Kills the process when it has come to its point for so many times as it was told. */
  readonly pass: (here: Point) => void;
}

/** Says `ready`, and reads `PATH` or `PATH POINT TIMES` from the input. Without a point the process lives on. */
export async function readKillOrders<Point extends string>(): Promise<KillOrders<Point>> {
  sayReady();
  const [line] = (await once(process.stdin, 'data')) as [Buffer]; // No encoding was set.
  process.stdin.destroy(); // Nothing more is read, and an open pipe would keep the process.
  const [path = '', point, times = '1'] = line.toString().trim().split(' ');
  let left = Number(times);
  return {
    path,
    isDoomed: point !== undefined,
    pass(here) {
      if (here !== point) return;
      left -= 1;
      if (left <= 0) process.kill(process.pid, 'SIGKILL');
    },
  };
}
