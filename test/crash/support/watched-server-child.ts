/**
 * A server that says what it costs. It prints `ready` and `port N`; then the line `costs` makes it print its costs
 * as JSON, `collect` makes it collect garbage and print `collected`, and `append N B` makes it append N events of B bytes
 * and print `appended`.
 *
 * Arguments: path of the store, mutant.
 */
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { startServer } from 'daybook-server';

import { tortureStream } from './checkable-event.ts';
import { holdingMemory, ignoringDrain, withoutDeadlines } from './mutants.ts';
import { openStore } from './open-store.ts';
import { sayReady } from './say-ready.ts';

const [, , path = '', mutant = ''] = process.argv;
const inFlight = 64;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void; // V8 gives it under this name.

if (mutant === 'ignore-drain') ignoringDrain();
if (mutant === 'no-deadlines') withoutDeadlines();
const opened = await openStore(path);
const store = mutant === 'hold-memory' ? holdingMemory(opened) : opened;
const server = await startServer({ store, port: 0, dev: true });

async function append(events: number, bytes: number): Promise<void> {
  let left = events;
  const lane = async (_: unknown, index: number): Promise<void> => {
    while (left-- > 0) {
      const event = { id: randomUUID(), type: 'Sized', data: Buffer.alloc(bytes, 'x') };
      await store.append(tortureStream(String(index)), [event], { expected: 'any' });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

function costs(): string {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, external } = process.memoryUsage();
  const memory = { rssBytes: rss, liveBytes: heapUsed + external };
  return JSON.stringify({ ...memory, cpuMs: (user + system) / 1_000, ...server.stats() });
}

sayReady();
writeSync(1, `port ${server.port}\n`);
for await (const line of createInterface(process.stdin)) {
  const [command, events, bytes] = line.split(' ');
  if (command === 'append') {
    await append(Number(events), Number(bytes));
    writeSync(1, 'appended\n');
  } else if (command === 'collect') {
    collectGarbage();
    writeSync(1, 'collected\n');
  } else writeSync(1, `costs ${costs()}\n`);
}
