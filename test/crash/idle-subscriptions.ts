import { setTimeout as after } from 'node:timers/promises';

import { H2Client } from '../../bench/support/h2-client.ts';
import { readPath, subscribeRequest } from '../../bench/support/wire.ts';
import { until } from '../services/until.ts';
import type { Broken } from './support/check-log.ts';
import { commandFor, commandLine, report, type Outcome, type Run } from './support/outcome.ts';
import { startWatchedServer, type WatchedServer } from './support/watched-server.ts';

const subscriptions = 10_000;

const rssAtMost = 350 * 1024 * 1024;
const subscribeAllAtMostMs = 10_000;
const reachAllAtMostMs = 1_000;

/** Of one core, while nothing happens, over so long. */
const idlePart = 0.03;
const idleMs = 2_000;

/** The fastest of so many events counts: other programs on the machine make one slower, and none faster. */
const events = 5;

/**
 * R17: ten thousand subscriptions that wait for events cost little, and one event reaches all of them.
 *
 * `cycles`: in how many shapes: 100 connections with 100 streams each, then 1,000 with 10. Mutant `hold-memory`: a
 * store whose subscriptions each hold memory.
 */
export async function idle(run: Run): Promise<Outcome> {
  const { cycles, mutant = '' } = run;
  const broken: Broken[] = [];
  const counts: Record<string, number> = {};
  for (let cycle = 0; cycle < cycles; cycle++) {
    const connections = cycle % 2 === 0 ? 100 : 1_000;
    await using server = await startWatchedServer({ mutant });
    const found = await subscribeAll(server, connections);
    for (const [name, { value, atMost }] of Object.entries(found)) {
      counts[`${name}${connections}`] = Math.round(value * 1_000) / 1_000;
      if (value <= atMost) continue;
      const problem = `With ${subscriptions} subscriptions on ${connections} connections ${name} is ${value}, above ${atMost}.`;
      broken.push({ kind: 'costly', problem });
    }
  }
  const command = commandFor('idle-subscriptions.ts', run);
  return { promise: 'R17 idle subscriptions', run, counts, broken, command };
}

interface Found {
  readonly value: number;
  readonly atMost: number;
}

async function subscribeAll(server: WatchedServer, connections: number): Promise<Readonly<Record<string, Found>>> {
  using stack = new DisposableStack();
  const clients = await Promise.all(Array.from({ length: connections }, () => H2Client.connect(server.port)));
  for (const client of clients) stack.use(client);
  const began = performance.now();
  // Each is told that it is subscribed and that it has caught up, in one piece or two: then it hears of events only.
  const bytes: number[] = Array.from({ length: subscriptions }, () => 0);
  for (const index of bytes.keys()) {
    const client = clients[index % connections];
    client?.call(readPath, subscribeRequest(), (part) => (bytes[index]! += part.length)).catch(() => {}); // Never ends.
  }
  await until('all are subscribed', () => bytes.every((count) => count > 0));
  const subscribeAllMs = performance.now() - began;
  await server.collect();
  const before = await server.costs();
  await after(idleMs);
  const idleCosts = await server.costs();
  const reachAllMs: number[] = [];
  for (let event = 0; event < events; event++) {
    const heard = bytes.slice();
    const appended = performance.now();
    await server.append(1, 300);
    await until('one event has reached all', () => bytes.every((count, index) => count >= heard[index]! + 300));
    reachAllMs.push(performance.now() - appended);
  }
  return {
    rssBytes: { value: idleCosts.rssBytes, atMost: rssAtMost },
    subscribeAllMs: { value: subscribeAllMs, atMost: subscribeAllAtMostMs },
    reachAllMs: { value: Math.min(...reachAllMs), atMost: reachAllAtMostMs },
    idlePart: { value: (idleCosts.cpuMs - before.cpuMs) / idleMs, atMost: idlePart },
  };
}

if (import.meta.main) report(await idle(commandLine(2).run));
