import { setTimeout as after } from 'node:timers/promises';

import { H2Client } from '../../bench/support/h2-client.ts';
import { quantile } from '../../bench/support/measure.ts';
import { appendPath, AppendRequests } from '../../bench/support/wire.ts';
import { attacks, openHalf, patientAttacks } from './support/attacks.ts';
import type { Broken } from './support/check-log.ts';
import { commandFor, commandLine, report, type Outcome, type Run } from './support/outcome.ts';
import { startWatchedServer, type WatchedServer } from './support/watched-server.ts';

/** By so much the memory of the server may have grown when the attackers are gone. */
const growthAtMost = 128 * 1024 * 1024;

/** Of 100 answers to an honest client 99 come within this time. */
const honestAtMostMs = 250;
const pauseMs = 20;

/**
 * R16: whatever hostile clients do, each gets the right status or is cut off, an honest client is served, and memory
 * comes back.
 *
 * Mutant `no-deadlines`: a server that waits for ever for a client to say what it speaks.
 */
export async function attack(run: Run): Promise<Outcome> {
  const { cycles, mutant = '' } = run;
  const broken: Broken[] = [];
  await using server = await startWatchedServer({ mutant });
  await using honest = await Honest.start(server.port);
  await server.collect();
  const before = await server.costs();
  for (let cycle = 0; cycle < cycles; cycle++) broken.push(...(await attackAll(server)));
  const latencies = await honest.stop();
  const p99 = quantile(latencies, 0.99);
  if (!(p99 <= honestAtMostMs)) {
    broken.push({ kind: 'slow', problem: `Of 100 answers to an honest client one took ${p99} ms or more.` });
  }
  const left = await settled(server, before.sockets);
  const growth = left.rssBytes - before.rssBytes;
  if (growth > growthAtMost) broken.push({ kind: 'costly', problem: `The attackers left ${growth} bytes behind.` });
  if (left.sockets > before.sockets || left.calls > 0) {
    const problem = `The attackers left ${left.sockets - before.sockets} sockets and ${left.calls} calls behind.`;
    broken.push({ kind: 'costly', problem });
  }
  const counts = { honestAnswers: latencies.length, honestP99Ms: Math.round(p99), growthMiB: growth >> 20 };
  return { promise: 'R16 hostile network', run, counts, broken, command: commandFor('hostile-network.ts', run) };
}

async function attackAll(server: WatchedServer): Promise<readonly Broken[]> {
  const { port } = server;
  const broken: Broken[] = [];
  const say = (name: string, problem: string | undefined): void => {
    if (problem !== undefined) broken.push({ kind: 'answer', problem: `Attacked by ${name}: ${problem}.` });
  };
  const patient = Object.entries(patientAttacks).map(async ([name, run]) => say(name, await run(port)));
  const half = await openHalf(port);
  for (const [name, run] of Object.entries(attacks)) say(name, await Promise.race([run(port), server.failed]));
  half[Symbol.dispose]();
  await Promise.all(patient);
  return broken;
}

/** What the server costs when the attackers are gone, and it had time to notice. */
async function settled(server: WatchedServer, sockets: number): Promise<Awaited<ReturnType<WatchedServer['costs']>>> {
  const patienceMs = 10_000;
  const end = performance.now() + patienceMs;
  for (;;) {
    await server.collect();
    const costs = await server.costs();
    if ((costs.sockets <= sockets && costs.calls === 0) || performance.now() > end) return costs;
    await after(pauseMs);
  }
}

/** A client that appends an event every 20 ms, and remembers how long each answer took. */
class Honest implements AsyncDisposable {
  readonly #client: H2Client;
  readonly #requests = new AppendRequests(['honest']);
  readonly #latencies: number[] = [];
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();

  private constructor(client: H2Client) {
    this.#client = client;
  }

  static async start(port: number): Promise<Honest> {
    const honest = new Honest(await H2Client.connect(port));
    honest.#running = honest.#run();
    honest.#running.catch(() => {}); // Who stops it sees it.
    return honest;
  }

  /** Ends it, and gives how long its answers took, the fastest first. */
  async stop(): Promise<readonly number[]> {
    this.#isStopped = true;
    await this.#running;
    return this.#latencies.toSorted((a, b) => a - b);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    this.#client[Symbol.dispose]();
    await this.#running.catch(() => {}); // Its connection is gone.
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const began = performance.now();
      const { start } = await this.#client.call(appendPath, this.#requests.next());
      if (start[5] !== 0x0a) throw new Error(`An honest append was answered with ${start.toString('hex')}.`);
      this.#latencies.push(performance.now() - began);
      await after(pauseMs);
    }
  }
}

if (import.meta.main) report(await attack(commandLine(10).run));
