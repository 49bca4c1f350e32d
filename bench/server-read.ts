/** How fast does the server give events, against the same bytes from a bare node:http2 server and from grpc-js? */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { KurrentDBClient } from '@kurrent/kurrentdb-client';

import { readFlags } from './support/flags.ts';
import { H2Client } from './support/h2-client.ts';
import { compare, print, repeatFor, type Side } from './support/measure.ts';
import { startServerChild, type BenchServer } from './support/server-child.ts';
import { benchFolder, openStore, preload } from './support/store.ts';
import { readAllRequest, readPath } from './support/wire.ts';

const { seconds, repeats, number, text } = readFlags('events', 'folder');
const events = number('events', 100_000);

using folder = benchFolder(text('folder', '') || undefined);
const path = join(folder.path, 'x.db');
{
  await using store = await openStore(path);
  await preload(store, events);
}
await using daybook = await startServerChild(new URL('support/daybook-server.ts', import.meta.url), path);
await using grpcJs = await startServerChild(new URL('peers/grpc-js-server.ts', import.meta.url), path);
const answer = join(folder.path, 'answer');
const bytes = await record(daybook, answer);
await using bare = await startServerChild(new URL('support/http2-server.ts', import.meta.url), answer);

/** Writes to a file what a server answers to a read of all events. */
async function record({ port }: BenchServer, file: string): Promise<number> {
  using client = await H2Client.connect(port);
  const fd = openSync(file, 'w');
  const found = await client.call(readPath, readAllRequest(events), (part) => void writeSync(fd, part));
  closeSync(fd);
  if (found.bytes < events * 300) throw new Error(`The answer has ${found.bytes} bytes, too few for ${events} events.`);
  return found.bytes;
}

/** Reads all events again and again, and throws their bytes away. */
async function reader(
  { port }: BenchServer,
  least: number,
): Promise<{ readonly side: Side; readonly client: H2Client }> {
  const client = await H2Client.connect(port);
  const read = async (): Promise<number> => {
    const found = await client.call(readPath, readAllRequest(events));
    if (found.bytes < least) throw new Error(`Only ${found.bytes} of ${least} bytes came.`);
    return events;
  };
  return { client, side: (time) => repeatFor(time, read) };
}

/** The same through the official client, which makes events of the bytes. */
function official({ port }: BenchServer): { readonly side: Side; readonly client: KurrentDBClient } {
  const client = KurrentDBClient.connectionString(`kurrentdb://127.0.0.1:${port}?tls=false`);
  const read = async (): Promise<number> => {
    let found = 0;
    for await (const { event } of client.readAll({ maxCount: events })) if (event !== undefined) found++;
    return found;
  };
  return { client, side: (time) => repeatFor(time, read) };
}

const fromDaybook = await reader(daybook, bytes);
const fromBare = await reader(bare, bytes);
const fromGrpcJs = await reader(grpcJs, events * 300);
const [officialDaybook, officialBare] = [official(daybook), official(bare)];
const comparisons = [
  { what: 'bare node:http2', ours: fromDaybook.side, theirs: fromBare.side, budget: 0.25, goal: 0.4 },
  { what: 'grpc-js', ours: fromDaybook.side, theirs: fromGrpcJs.side, budget: 2 },
  { what: 'bare node:http2, official client', ours: officialDaybook.side, theirs: officialBare.side },
];
const rows = [];
for (const { what, ours, theirs, ...limits } of comparisons) {
  const { latencies: _, ...found } = await compare({ seconds, repeats, ours, theirs });
  rows.push({ what, ...found, ...limits });
}
for (const { client } of [fromDaybook, fromBare, fromGrpcJs]) client[Symbol.dispose]();
await Promise.all([officialDaybook.client.dispose(), officialBare.client.dispose()]);

print({
  ratio: rows[0]?.ratio ?? 0,
  question: `a read of ${events} events over gRPC, against the same bytes from bare node:http2`,
  events,
  bytesPerEvent: Math.round(bytes / events),
  rows,
});
