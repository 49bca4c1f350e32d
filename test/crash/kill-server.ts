import { createServer } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';

import { checkLog, type Broken } from './support/check-log.ts';
import { startChild, type Child } from './support/child.ts';
import { diskFolder } from './support/folder.ts';
import type { Ack } from './support/lane.ts';
import { openStore } from './support/open-store.ts';
import { commandFor, commandLine, report, type Outcome, type Run } from './support/outcome.ts';
import { seededRandom } from './support/random.ts';
import { RetryingClient } from './support/retrying-client.ts';

const clients = 8;

/** The first kill comes when every client has an answer; the next ones so long after the server came back. */
const aliveMs: readonly [number, number] = [20, 400];

/** After this time without any answer the clients will never get one. */
const patienceMs = 30_000;

/**
 * R2: official clients go on through `kill -9` of the server. What they do not know the outcome of they send again, with
 * the same ids, until they have one; then nothing that was acknowledged is lost, and nothing is there twice.
 *
 * Mutant `ignore-ids`: a server that takes the same events again as new ones.
 */
export async function killServer(run: Run): Promise<Outcome> {
  const { cycles, seed, mutant = '', stopAtFirst = false } = run;
  const random = seededRandom(seed);
  using folder = diskFolder();
  const path = folder.file('x.db');
  const port = await freePort();
  const supervisor = new Supervisor(path, port, mutant);
  const writers = Array.from({ length: clients }, (_, index) => new RetryingClient(port, String(index)));
  const broken: Broken[] = [];
  const counts = { kills: 0, acks: 0, unknown: 0, slowestRestartMs: 0 };
  try {
    await supervisor.start();
    const running = writers.map((writer) => writer.run());
    for (; counts.kills < cycles; counts.kills++) {
      await settled(writers);
      await after(random.between(...aliveMs));
      const began = performance.now();
      await supervisor.restart();
      counts.slowestRestartMs = Math.max(counts.slowestRestartMs, Math.round(performance.now() - began));
      if (stopAtFirst && writers.some(({ refusals }) => refusals.length > 0)) break;
    }
    for (const writer of writers) writer.stop();
    await Promise.race([Promise.all(running), after(patienceMs, undefined, { ref: false })]);
  } finally {
    broken.push(...(await supervisor.stop()));
    await Promise.all(writers.map((writer) => writer[Symbol.asyncDispose]()));
  }
  const acks: Ack[] = writers.flatMap((writer) => writer.acks);
  counts.acks = acks.length;
  counts.unknown = writers.reduce((sum, { unknown }) => sum + unknown, 0);
  for (const { refusals, pending } of writers) {
    broken.push(...refusals.map((problem): Broken => ({ kind: 'answer', problem })));
    broken.push(...pending.map((problem): Broken => ({ kind: 'lost', problem })));
  }
  await using store = await openStore(path);
  broken.push(...(await checkLog(store, { acks, positions: 'dense' })).broken);
  return { promise: 'R2 kill -9 of the server', run, counts, broken, command: commandFor('kill-server.ts', run) };
}

/** Waits until each client has had an answer since it was last asked. */
async function settled(writers: readonly RetryingClient[]): Promise<void> {
  const late = new AbortController();
  const timeout = after(patienceMs, undefined, { signal: late.signal }).then(() => {
    throw new Error(`A client has no answer after ${patienceMs} ms.`);
  });
  timeout.catch(() => {}); // It is late, or was called off.
  await Promise.race([Promise.all(writers.map((writer) => writer.nextAck())), timeout]).finally(() => late.abort());
}

interface ServerProcess {
  readonly child: Child;
  readonly listening: Promise<void>;
}

/** A server process that waits for `go`. */
function startServerProcess(...args: readonly string[]): ServerProcess {
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  listening.catch(() => {}); // Who waits for it sees it.
  const child = startChild(new URL('kill-server-child.ts', import.meta.url), {
    args,
    onLine: (line) => {
      if (line === 'listening') resolve();
    },
  });
  void child.ended.then(({ errors }) => reject(new Error(`The server ended: ${errors}`)));
  return { child, listening };
}

/** Keeps a server running: the next one has loaded its modules before this one is killed. */
class Supervisor {
  readonly #args: readonly string[];
  #current: ServerProcess | undefined;
  #next: ServerProcess;
  readonly #broken: Broken[] = [];

  constructor(path: string, port: number, mutant: string) {
    this.#args = [path, String(port), mutant];
    this.#next = startServerProcess(...this.#args);
  }

  async start(): Promise<void> {
    this.#current = this.#next;
    this.#next = startServerProcess(...this.#args);
    await this.#current.child.ready;
    this.#current.child.send('go');
    await this.#current.listening;
  }

  async restart(): Promise<void> {
    await this.#next.child.ready;
    await this.#kill();
    await this.start();
  }

  /** Kills whatever runs, and says which servers had ended by themselves. */
  async stop(): Promise<readonly Broken[]> {
    await this.#kill();
    await this.#next.child[Symbol.asyncDispose]();
    return this.#broken;
  }

  async #kill(): Promise<void> {
    if (this.#current === undefined) return;
    this.#current.child.kill();
    const { signal, code, errors } = await this.#current.child.ended;
    if (signal === 'SIGKILL') return;
    this.#broken.push({ kind: 'unusable', problem: `The server ended by itself with ${signal ?? code}: ${errors}` });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error()),
      );
    });
  });
}

if (import.meta.main) report(await killServer(commandLine(2_000).run));
