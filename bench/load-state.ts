/** What does loading a state cost, compared to reading its events and folding them by hand? */
import { join } from 'node:path';

import { jsonData, streamName } from 'daybook';
import {
  events,
  load,
  memoryStateCache,
  trusted,
  view,
  type Events,
  type StandardSchema,
  type View,
} from 'daybook/decider';
import { z } from 'zod';

import { readFlags } from './support/flags.ts';
import { compare, print, repeatFor } from './support/measure.ts';
import { sampleEvents } from './support/sample-events.ts';
import { benchFolder, openStore, preload } from './support/store.ts';

interface Step {
  items: { sku: string; quantity: number; price: number }[];
}

type Steps = Readonly<Record<string, StandardSchema<Step>>>;

const { seconds, repeats, number, text } = readFlags('events', 'folder');
const preloaded = number('events', 100_000);

using folder = benchFolder(text('folder', '') || undefined);
await using store = await openStore(join(folder.path, 'x.db'));
const short = streamName('Order-short');
for (let part = 0; part < 100; part += 1) {
  await preload(store, preloaded / 100);
  await store.append(short, sampleEvents(1), { expected: 'any' });
}
for (let part = 0; part < 2; part += 1) {
  await store.append(streamName('Order-long'), sampleEvents(5_000), { expected: 'any' });
}

const checked = z.object({ items: z.array(z.object({ sku: z.string(), quantity: z.number(), price: z.number() })) });

/** How many things were ordered, of events whose data are shown to a schema. */
function quantities(schema: StandardSchema<Step>): View<number, Steps> {
  const types = Array.from({ length: 20 }, (_, index) => `OrderStep${index}`);
  const Order: Events<Steps> = events('Order', Object.fromEntries(types.map((type) => [type, schema])), {
    allowNames: 'any',
  });
  const evolve = (state: number, { data }: { readonly data: Step }): number =>
    data.items.reduce((sum, { quantity }) => sum + quantity, state);
  return view(Order, { initial: () => 0, evolve: Object.fromEntries(types.map((type) => [type, evolve])) });
}

const [withSchema, withTrust] = [quantities(checked), quantities(trusted<Step>())];
const cache = memoryStateCache();

async function byHand(): Promise<number> {
  let state = 0;
  for await (const page of store.readStream(short).pages()) {
    for (const event of page) {
      for (const { quantity } of (jsonData(event) as Step).items) state += quantity;
    }
  }
  return state > 0 ? 1 : 0;
}

async function loaded(of: View<number>, options = {}): Promise<number> {
  return (await load(store, of, 'short', options)).state > 0 ? 1 : 0;
}

const comparisons = [
  { what: '100 events, trusted', budget: 1 / 1.5, ours: () => loaded(withTrust) },
  { what: '100 events, each shown to zod', budget: 1 / 1.5, ours: () => loaded(withSchema) },
  { what: '100 events, exact with a cache', ours: () => loaded(withSchema, { cache }) },
  { what: '100 events, at most a second old', ours: () => loaded(withSchema, { cache, maxAgeMs: 1_000 }) },
  {
    what: '10,000 events, exact with a cache',
    ours: async () => ((await load(store, withSchema, 'long', { cache })).state > 0 ? 1 : 0),
  },
];

const rows = [];
for (const { what, budget, ours } of comparisons) {
  const { latencies: _, ...found } = await compare({
    seconds,
    repeats,
    ours: (time) => repeatFor(time, ours),
    theirs: (time) => repeatFor(time, byHand),
  });
  rows.push({ what, ...found, budget });
}

print({
  ratio: rows[0]?.ratio ?? 0,
  question: 'load() of 100 events against reading them from the store and folding them by hand',
  events: preloaded,
  rows,
});
