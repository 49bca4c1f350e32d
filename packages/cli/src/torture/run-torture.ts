import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { streamName, type EventStore } from 'daybook';

import { removeStore } from '../bench-store.ts';
import { quantile } from '../measure.ts';
import { openFile } from '../open-store.ts';
import { isWhole } from './torture-event.ts';

/** A writer lives at most this long after its first answer. */
const longestLifeMs = 300;

/** Every so many cycles the whole store is verified, and after the last one. */
const verifyEvery = 25;

/** Problems that are remembered. One is enough to fail. */
const problemsKept = 100;

export interface TortureOptions {
  readonly path: string;
  readonly cycles: number;
  /** Processes that append at the same time. */
  readonly writers: number;
  readonly signal: AbortSignal;
}

export interface TortureResult {
  readonly cycles: number;
  /** Events. */
  readonly acknowledged: number;
  readonly lost: number;
  readonly damaged: number;
  readonly reopenP50Ms: number;
  readonly reopenMaxMs: number;
  /** Sentences. */
  readonly problems: readonly string[];
}

/** An append that was answered. */
interface Acknowledged {
  readonly stream: string;
  readonly firstRevision: bigint;
  readonly ids: readonly string[];
}

/** Kills writers, cycle by cycle, and compares what they were told with what is there. */
export async function torture(options: TortureOptions, told: (cycles: number) => void): Promise<TortureResult> {
  const { path, cycles, writers, signal } = options;
  const counts = { acknowledged: 0, lost: 0, damaged: 0 };
  const problems: string[] = [];
  const reopenMs: number[] = [];
  let done = 0;
  for (; done < cycles && problems.length === 0 && !signal.aborted; done++) {
    const acknowledged = (await Promise.all(Array.from({ length: writers }, () => killedWriter(path)))).flat();
    const started = performance.now();
    await using store = await openFile(path, 'tortured');
    reopenMs.push(performance.now() - started);
    for (const problem of await compare(store, acknowledged, counts))
      if (problems.length < problemsKept) problems.push(problem);
    if ((done + 1) % verifyEvery === 0 || done + 1 === cycles) {
      for await (const { findings } of store.verify()) {
        counts.damaged += findings.length;
        problems.push(...findings.map(({ problem }) => problem).slice(0, problemsKept));
      }
    }
    told(done + 1);
  }
  if (problems.length === 0) await removeStore(path);
  signal.throwIfAborted();
  const sorted = Float64Array.from(reopenMs).toSorted();
  const ms = (share: number): number => Math.round(quantile(sorted, share) * 10) / 10;
  return { cycles: done, ...counts, reopenP50Ms: ms(0.5), reopenMaxMs: ms(1), problems };
}

/** What a writer was told before it was killed. */
async function killedWriter(path: string): Promise<readonly Acknowledged[]> {
  const main = process.argv[1] ?? fileURLToPath(new URL('../main.js', import.meta.url));
  const writer = spawn(process.execPath, [...process.execArgv, main, 'torture-writer', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(writer, 'exit');
  let text = '';
  writer.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await Promise.race([once(writer.stdout, 'data'), exited]);
  await Promise.race([pause(Math.random() * longestLifeMs), exited]);
  writer.kill('SIGKILL');
  const [code]: readonly unknown[] = await exited;
  if (typeof code === 'number') throw new Error(`A writer ended by itself, with exit code ${code}.`);
  if (!writer.stdout.readableEnded) await once(writer.stdout, 'end');
  // The last line may have been cut off in the middle; the append behind it is not known to be answered.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines.flatMap((line) => {
    const [stream = '', firstRevision = '0', ids = ''] = line.split('\t');
    return stream === '' ? [] : [{ stream, firstRevision: BigInt(firstRevision), ids: ids.split(',') }];
  });
}

/** The sentences that say what is not as it was acknowledged. */
async function compare(
  store: EventStore,
  acknowledged: readonly Acknowledged[],
  counts: { acknowledged: number; lost: number; damaged: number },
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const [stream, appends = []] of Map.groupBy(acknowledged, (each) => each.stream)) {
    const there = new Map<bigint, string>();
    let expected = 0n;
    for await (const event of store.readStream(streamName(stream))) {
      there.set(event.revision, event.id);
      if (event.revision !== expected) problems.push(`Stream ${stream} has a gap before ${event.revision}.`);
      expected = event.revision + 1n;
      if (isWhole(event)) continue;
      counts.damaged += 1;
      problems.push(`Event ${event.revision}@${stream} is not what was appended.`);
    }
    for (const { firstRevision, ids } of appends) {
      for (const [index, id] of ids.entries()) {
        counts.acknowledged += 1;
        if (there.get(firstRevision + BigInt(index)) === id) continue;
        counts.lost += 1;
        problems.push(`Event ${firstRevision + BigInt(index)}@${stream} was acknowledged and is not there.`);
      }
    }
  }
  return problems;
}
