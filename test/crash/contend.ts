import { setTimeout as after } from 'node:timers/promises';

import type { Broken } from './support/check-log.ts';
import { startChild, type Child } from './support/child.ts';
import { diskFolder } from './support/folder.ts';
import { addLine, checkHistory, type Call } from './support/history.ts';
import { openStore } from './support/open-store.ts';
import { commandFor, commandLine, report, type Outcome, type Run } from './support/outcome.ts';
import { seededRandom, type Random } from './support/random.ts';

const writers = 4;
const killsPerStore = 5;

/** No batch of a process is numbered as one of the process before it. */
const batchesPerProcess = 1_000_000;

/**
 * R10, with kills: processes that append to the same streams, each where it believes that the stream ends, agree on one
 * order, in which each answer was true at some moment of its call - also when they are killed.
 *
 * Mutant `lost-update`: a store that does not look at what is expected.
 */
export async function contend(run: Run): Promise<Outcome> {
  const { cycles, seed, mutant = '', stopAtFirst = false } = run;
  const random = seededRandom(seed);
  const broken: Broken[] = [];
  const counts = { kills: 0, calls: 0, appended: 0, refused: 0, saw: 0, unknown: 0 };
  let started = 0;
  const start = (): readonly Contender[] =>
    Array.from({ length: writers }, (_, index) =>
      startContender({ writer: `p${index}`, firstBatch: started++ * batchesPerProcess, random, mutant }),
    );
  let next = start();
  try {
    for (let cycle = 0; cycle < cycles;) {
      using folder = diskFolder();
      const path = folder.file('x.db');
      const calls = new Map<string, Call>();
      for (let kill = 0; kill < killsPerStore && cycle < cycles; kill++, cycle++) {
        const contenders = next;
        next = start();
        broken.push(...(await killAll(contenders, { path, random, calls })));
        counts.kills += writers;
      }
      await using store = await openStore(path);
      broken.push(...(await checkHistory(store, calls)));
      counts.calls += calls.size;
      for (const { answer = 'unknown' } of calls.values()) counts[answer]++;
      if (stopAtFirst && broken.length > 0) break;
    }
  } finally {
    await Promise.all(next.map(({ child }) => child[Symbol.asyncDispose]()));
  }
  return { promise: 'R10 one order, with kills', run, counts, broken, command: commandFor('contend.ts', run) };
}

interface Contender {
  readonly child: Child;
  readonly writer: string;
  readonly lines: readonly string[];
  readonly firstAnswer: Promise<void>;
}

interface StartContenderOptions {
  readonly writer: string;
  readonly firstBatch: number;
  readonly random: Random;
  readonly mutant: string;
}

function startContender({ writer, firstBatch, random, mutant }: StartContenderOptions): Contender {
  const lines: string[] = [];
  const { promise: firstAnswer, resolve } = Promise.withResolvers<void>();
  const child = startChild(new URL('contend-child.ts', import.meta.url), {
    args: [writer, String(firstBatch), String(random.between(0, 2 ** 31)), mutant],
    onLine: (line) => {
      lines.push(line);
      if (lines.length > 3) resolve();
    },
  });
  return { child, writer, lines, firstAnswer };
}

interface KillAllOptions {
  readonly path: string;
  readonly random: Random;
  readonly calls: Map<string, Call>;
}

/** Lets the processes run against each other for a while, kills each, and adds what they said to the history. */
async function killAll(
  contenders: readonly Contender[],
  { path, random, calls }: KillAllOptions,
): Promise<readonly Broken[]> {
  await Promise.all(contenders.map(({ child }) => child.ready));
  for (const { child } of contenders) child.send(path);
  await Promise.all(
    contenders.map(async ({ child, firstAnswer }) => {
      await Promise.race([firstAnswer, child.ended]);
      await after(random.between(2, 120));
      child.kill();
    }),
  );
  const broken: Broken[] = [];
  for (const { child, writer, lines } of contenders) {
    const { signal, code, errors } = await child.ended;
    for (const line of lines) addLine(calls, writer, line);
    if (signal !== 'SIGKILL') {
      broken.push({ kind: 'unusable', problem: `A process ended by itself with ${signal ?? code}: ${errors}` });
    }
  }
  return broken;
}

if (import.meta.main) report(await contend(commandLine(5_000).run));
