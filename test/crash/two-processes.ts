import { checkLog, type Broken } from './support/check-log.ts';
import { startChild } from './support/child.ts';
import { diskFolder } from './support/folder.ts';
import { openStore } from './support/open-store.ts';
import { commandFor, commandLine, report, type Outcome, type Run } from './support/outcome.ts';

/** An event must reach the other process within this time, in the middle of all of them. */
const medianMs = 200;

/** After this time a process has not seen everything and never will. */
const patienceMs = 20_000;

/**
 * Two processes append to one file and follow it: each sees all events of both, once, in the order of the log, and
 * those of the other one soon.
 */
export async function runTwoProcesses(run: Run): Promise<Outcome> {
  using folder = diskFolder();
  const path = folder.file('x.db');
  {
    // Whoever comes first makes the file; here nobody has to wait for that.
    await using _ = await openStore(path);
  }
  const logs = ['0', '1'].map((writer) => new ProcessLog(writer));
  await using first = logs[0]?.start(path, run.cycles);
  await using second = logs[1]?.start(path, run.cycles);
  const children = [first, second].filter((child) => child !== undefined);
  await Promise.all(children.map(({ ready }) => ready));
  for (const child of children) child.send('go');
  await Promise.all(logs.map(({ done }) => done.promise));
  await using store = await openStore(path);
  const { position = 0n } = await store.head();
  for (const child of children) child.send(`follow ${position}`);
  const giveUp = setTimeout(() => children.forEach((child) => child.kill()), patienceMs);
  const broken: Broken[] = [];
  for (const child of children) {
    const { code, signal, errors } = await child.ended;
    if (code !== 0) broken.push({ kind: 'lost', problem: `A process ended with ${signal ?? code}: ${errors}` });
  }
  clearTimeout(giveUp);
  broken.push(...(await checkLog(store, { acks: [] })).broken);
  const order: bigint[] = [];
  for await (const page of store.readAll().pages()) order.push(...page.map((event) => event.position));
  for (const { writer, saw } of logs) {
    const positions = saw.map((one) => one.position);
    const at = order.findIndex((one, index) => positions[index] !== one);
    if (at !== -1 || positions.length !== order.length) {
      const problem = `Process ${writer} saw ${positions.length} of ${order.length} events, and others from ${at} on`;
      broken.push({ kind: 'lost', problem });
    }
  }
  const delays = delaysBetween(logs);
  const median = delays[delays.length >> 1] ?? Infinity;
  if (median > medianMs) broken.push({ kind: 'slow', problem: `An event takes ${median.toFixed(0)} ms to the other` });
  const counts = {
    events: order.length,
    medianMs: rounded(median),
    p99Ms: rounded(delays[Math.floor(delays.length * 0.99)] ?? Infinity),
    slowestMs: rounded(delays.at(-1) ?? Infinity),
  };
  return { promise: 'Two processes', run, counts, broken, command: commandFor('two-processes.ts', run) };
}

interface Moment {
  readonly position: bigint;
  readonly at: bigint;
}

/** What a process said. */
class ProcessLog {
  readonly writer: string;
  readonly appended: Moment[] = [];
  readonly saw: Moment[] = [];
  readonly done: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(writer: string) {
    this.writer = writer;
  }

  start(path: string, batches: number): ReturnType<typeof startChild> {
    const child = startChild(new URL('two-processes-child.ts', import.meta.url), {
      args: [path, this.writer, String(batches)],
      onLine: (line) => this.#hear(line),
    });
    void child.ended.then(({ errors }) => this.done.reject(new Error(`Process ${this.writer} ended: ${errors}`)));
    return child;
  }

  #hear(line: string): void {
    const [what, position = '0', at = '0'] = line.split(' ');
    const moment = { position: BigInt(position), at: BigInt(at) };
    if (what === 'saw') this.saw.push(moment);
    if (what === 'appended') this.appended.push(moment);
    if (what === 'done') this.done.resolve();
  }
}

/** How long after its ack an event was seen by the other process, in milliseconds, from the shortest on. */
function delaysBetween(logs: readonly ProcessLog[]): readonly number[] {
  return logs
    .flatMap(({ appended }, index) => {
      const seen = new Map(logs[1 - index]?.saw.map(({ position, at }) => [position, at]));
      return appended.map(({ position, at }) => Math.max(0, Number((seen.get(position) ?? 0n) - at) / 1e6));
    })
    .toSorted((a, b) => a - b);
}

function rounded(number: number): number {
  return Math.round(number * 10) / 10;
}

if (import.meta.main) report(await runTwoProcesses(commandLine(2_000).run));
