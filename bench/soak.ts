/** Does the memory of a server stay flat under load, with clients that come and go? */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { EventStoreDBClient } from '@eventstore/db-client';

import { startWatchedServer } from '../test/crash/support/watched-server.ts';
import { readFlags } from './support/flags.ts';
import { H2Client } from './support/h2-client.ts';
import { median, print, significant } from './support/measure.ts';
import { sampleStream } from './support/sample-events.ts';
import { benchFolder, openStore, preload } from './support/store.ts';
import { appendPath, AppendRequests, readPath, subscribeRequest } from './support/wire.ts';

const { number, text } = readFlags('minutes', 'rate', 'events', 'folder');
const minutes = number('minutes', 60);
const rate = number('rate', 1_000);
const events = number('events', 0);
const samples = 60;
const inFlight = 64;

using folder = benchFolder(text('folder', '') || undefined);
{
  await using store = await openStore(join(folder.path, 'x.db'));
  await preload(store, events);
}
await using server = await startWatchedServer({ folder: folder.path });
using writer = await H2Client.connect(server.port);
using subscriber = await H2Client.connect(server.port);
const requests = new AppendRequests(Array.from({ length: 10_000 }, (_, index) => sampleStream(index)));
const began = performance.now();
const end = began + minutes * 60_000;
let appended = 0;
let received = 0;
let visits = 0;

// It never ends by itself.
subscriber.call(readPath, subscribeRequest(), (bytes) => (received += bytes.length)).catch(() => {});
const memory: number[] = [];
await Promise.all([append(), visit(), measure()]);

/** Appends at the rate that was asked for, ten times a second. */
async function append(): Promise<void> {
  for (let next = began; next < end; next += 100) {
    await wait(Math.max(0, next - performance.now()));
    const due = Math.floor(((performance.now() - began) / 1_000) * rate);
    while (appended < due) {
      const count = Math.min(due - appended, inFlight); // After a pause of the machine there is much to do.
      await Promise.all(Array.from({ length: count }, () => writer.call(appendPath, requests.next())));
      appended += count;
    }
  }
}

/**
 * Clients that come, read, subscribe, and go: twice a second. The newer official client, which keeps the connection it
 * read over until its process ends, would not do.
 */
async function visit(): Promise<void> {
  while (performance.now() < end) {
    const client = EventStoreDBClient.connectionString(`esdb://127.0.0.1:${server.port}?tls=false`);
    for await (const _ of client.readAll({ direction: 'backwards', fromPosition: 'end', maxCount: 100 }));
    const subscription = client.subscribeToAll({ fromPosition: 'end' });
    await new Promise((resolve) => subscription.once('confirmation', resolve));
    await subscription.unsubscribe();
    await client.dispose();
    visits += 1;
    await wait(500);
  }
}

async function measure(): Promise<void> {
  for (let sample = 1; sample <= samples; sample += 1) {
    await wait(Math.max(0, began + (sample * (end - began)) / samples - performance.now()));
    const { rssBytes, sockets } = await server.costs();
    memory.push(Math.round(rssBytes / 2 ** 20));
    const now = `${memory.at(-1)} MiB, ${appended} events, ${visits} visits, ${sockets} sockets`;
    process.stderr.write(`${sample}/${samples} ${now}\n`);
  }
}

const [second, last] = [memory.slice(samples / 4, samples / 2), memory.slice((samples * 3) / 4)].map(median);
const ratio = significant(last! / second!); // Two were given.
print({
  ratio,
  question: 'memory of a server in the last quarter of a load, against that in the second quarter',
  budget: 1.1,
  isMet: ratio < 1.1,
  minutes,
  events,
  appended,
  visits,
  receivedMiB: Math.round(received / 2 ** 20),
  memoryMiB: { least: Math.min(...memory), secondQuarter: second, lastQuarter: last, most: Math.max(...memory) },
});
