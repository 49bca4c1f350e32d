/** Is Daybook ahead of other embedded event stores on the same work? */
import { join } from 'node:path';

import { jsonData, jsonEvent, streamName } from 'daybook';

import { openAct } from './peers/act.ts';
import { openEmmett } from './peers/emmett.ts';
import { installPeers } from './peers/install.ts';
import type { Peer, PeerEvent } from './peers/peer.ts';
import { readFlags } from './support/flags.ts';
import { callersFor, compare, print } from './support/measure.ts';
import { body, sampleStream } from './support/sample-events.ts';
import { benchFolder, openStore } from './support/store.ts';

const { seconds, repeats, text } = readFlags('folder');
const peers = installPeers();
// One of the peers reads the manifest of the application around it.
process.chdir(peers.folder);

using folder = benchFolder(text('folder', '') || undefined);
await using daybook = await openDaybook(join(folder.path, 'daybook.db'));
await using emmett = await openEmmett(peers, join(folder.path, 'emmett.db'));
await using act = await openAct(peers, join(folder.path, 'act.db'));

async function openDaybook(path: string): Promise<Peer> {
  const store = await openStore(path);
  return {
    name: 'daybook',
    append: (stream, events) => store.append(streamName(stream), events.map(jsonEvent), { expected: 'any' }),
    read: async (stream) => {
      let found = 0;
      for await (const page of store.readStream(streamName(stream)).pages()) {
        for (const event of page) if (jsonData(event) !== undefined) found++;
      }
      return found;
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

function sample(): PeerEvent {
  return { type: 'OrderStep', data: JSON.parse(body().toString()) as PeerEvent['data'] }; // Made by us as JSON.
}

const probe = 'Probe-1';
const events = Array.from({ length: 1_000 }, sample);
let next = 0;
const one = (): PeerEvent => events[next++ % events.length] ?? sample();
const hundred = (): readonly PeerEvent[] => Array.from({ length: 100 }, one);

const work = [
  ...[1, 16, 64].map((callers) => ({
    what: `${callers} in flight`,
    callers,
    size: 1,
    call: (peer: Peer) => peer.append(sampleStream(), [one()]),
  })),
  { what: 'batches of 100', callers: 1, size: 100, call: (peer: Peer) => peer.append(sampleStream(), hundred()) },
  { what: 'read 100 events', callers: 1, size: 100, call: (peer: Peer) => peer.read(probe) },
];

const rows = [];
for (const peer of [daybook, emmett, act]) await peer.append(probe, hundred());
for (const peer of [emmett, act]) {
  for (const { what, callers, size, call } of work) {
    const { latencies: _, ...found } = await compare({
      seconds,
      repeats,
      ours: (time) => callersFor(time, { callers, size, call: () => call(daybook) }),
      theirs: (time) => callersFor(time, { callers, size, call: () => call(peer) }),
    });
    const budget = peer === emmett && callers === 64 ? 20 : 1;
    rows.push({ peer: peer.name, what, ...found, budget });
  }
}

print({
  ratio: Math.min(...rows.map(({ ratio }) => ratio)),
  question: 'the smallest lead over any peer in any row',
  budget: 1,
  rows,
});
