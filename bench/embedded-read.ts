/** How fast are reads, compared to a bare SELECT of the same rows? */
import { join } from 'node:path';

import { categoryStream, streamName, type EventRead } from 'daybook';

import { readFlags } from './support/flags.ts';
import { compare, print, repeatFor } from './support/measure.ts';
import { RawTable } from './support/raw-table.ts';
import { body, sampleEvents } from './support/sample-events.ts';
import { benchFolder, openStore, preload } from './support/store.ts';

const { seconds, repeats, number, text } = readFlags('events', 'folder');
const events = number('events', 200_000);

using folder = benchFolder(text('folder', '') || undefined);
await using store = await openStore(join(folder.path, 'x.db'));
using raw = new RawTable(join(folder.path, 'raw.db'));

// Two streams grow between all others, as streams do.
const [long, short] = [streamName('Long-1'), streamName('Short-1')];
for (let part = 0; part < 100; part++) {
  await preload(store, events / 100);
  await store.append(long, sampleEvents(10), { expected: 'any' });
  await store.append(short, sampleEvents(1), { expected: 'any' });
}
raw.fill(events + 1_100, body);

async function count(read: EventRead): Promise<number> {
  let found = 0;
  for await (const page of read.pages()) found += page.length;
  return found;
}

async function positions(read: EventRead): Promise<readonly bigint[]> {
  const found: bigint[] = [];
  for await (const page of read.pages()) found.push(...page.map(({ position }) => position));
  return found;
}

/** What a fold does at least: look into every event. */
function fold(state: number, data: Uint8Array): number {
  const { items } = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString()) as {
    items: readonly { quantity: number }[];
  };
  return items.reduce((sum, { quantity }) => sum + quantity, state);
}

const category = categoryStream('Shop7');
const bareCategory = raw.reader(await positions(store.readStream(category)));
const bareLong = raw.reader(await positions(store.readStream(long)));
const bareShort = raw.reader(await positions(store.readStream(short)));

const comparisons = [
  { what: '$all', budget: 0.7, ours: () => count(store.readAll()), theirs: () => raw.scan() },
  {
    what: '$all, event by event',
    ours: async () => {
      let found = 0;
      for await (const event of store.readAll()) if (event.data.length > 0) found++;
      return found;
    },
    theirs: () => raw.scan(),
  },
  { what: 'category', budget: 0.5, ours: () => count(store.readStream(category)), theirs: () => bareCategory().length },
  { what: '1,000 events', budget: 0.5, ours: () => count(store.readStream(long)), theirs: () => bareLong().length },
  {
    what: 'load and fold 100 events',
    budget: 1 / 1.5,
    ours: async () => {
      let state = 0;
      for await (const { data } of store.readStream(short)) state = fold(state, data);
      return state > 0 ? 100 : 0;
    },
    theirs: () => {
      let state = 0;
      for (const { data } of bareShort()) if (data instanceof Uint8Array) state = fold(state, data);
      return state > 0 ? 100 : 0;
    },
  },
];

const rows = [];
for (const { what, budget, ours, theirs } of comparisons) {
  const { latencies: _, ...found } = await compare({
    seconds,
    repeats,
    ours: (time) => repeatFor(time, ours),
    theirs: (time) => repeatFor(time, theirs),
  });
  rows.push({ what, ...found, budget });
}

print({ ratio: rows[0]?.ratio ?? 0, question: 'a scan of $all against a bare SELECT of the same rows', events, rows });
