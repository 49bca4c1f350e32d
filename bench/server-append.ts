/** How many durable appends does the server take, against a bare node:http2 server that answers with the same bytes? */
import { join } from 'node:path';

import { jsonEvent, KurrentDBClient } from '@kurrent/kurrentdb-client';

import { readFlags } from './support/flags.ts';
import { H2Client } from './support/h2-client.ts';
import { callersFor, compare, print, tail, type Side } from './support/measure.ts';
import { body, sampleStream } from './support/sample-events.ts';
import { startServerChild } from './support/server-child.ts';
import { benchFolder } from './support/store.ts';
import { appendPath, AppendRequests } from './support/wire.ts';

const { seconds, repeats, text } = readFlags('folder');

using folder = benchFolder(text('folder', '') || undefined);
await using daybook = await startServerChild(
  new URL('support/daybook-server.ts', import.meta.url),
  join(folder.path, 'x.db'),
);
await using bare = await startServerChild(new URL('support/http2-server.ts', import.meta.url));
using toDaybook = await H2Client.connect(daybook.port);
using toBare = await H2Client.connect(bare.port);
const requests = new AppendRequests(Array.from({ length: 10_000 }, (_, index) => sampleStream(index)));

const rows = [];
for (const inFlight of [64, 1, 16, 256]) {
  const side =
    (client: H2Client): Side =>
    (time) =>
      callersFor(time, { callers: inFlight, size: 1, call: () => append(client) });
  const { latencies, ...found } = await compare({ seconds, repeats, ours: side(toDaybook), theirs: side(toBare) });
  rows.push({ what: `${inFlight} in flight`, ...found, ...tail(latencies) });
}

/** One append, which must have succeeded: the first field of the answer says so. */
async function append(client: H2Client): Promise<void> {
  const { start } = await client.call(appendPath, requests.next());
  if (start[5] !== 0x0a) throw new Error(`The server did not append: ${start.toString('hex')}`);
}

const events = Array.from({ length: 1_000 }, () => JSON.parse(body().toString()) as Record<string, string>); // Made by us.
let next = 0;
const official = (port: number): { readonly side: Side; readonly client: KurrentDBClient } => {
  const client = KurrentDBClient.connectionString(`kurrentdb://127.0.0.1:${port}?tls=false`);
  const call = (): Promise<unknown> =>
    client.appendToStream(sampleStream(), jsonEvent({ type: 'OrderStep', data: events[next++ % events.length] ?? {} }));
  return { client, side: (time) => callersFor(time, { callers: 64, size: 1, call }) };
};
const [ours, theirs] = [official(daybook.port), official(bare.port)];
const { latencies, ...found } = await compare({ seconds, repeats, ours: ours.side, theirs: theirs.side });
rows.push({ what: 'official client, 64 in flight', ...found, ...tail(latencies), budget: 0.8 });
await Promise.all([ours.client.dispose(), theirs.client.dispose()]);

print({
  ratio: rows[0]?.ratio ?? 0,
  question: 'durable appends over gRPC, 64 in flight, against an echo of the same bytes on bare node:http2',
  budget: 0.4,
  goal: 0.55,
  rows,
});
