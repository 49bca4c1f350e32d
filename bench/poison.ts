/** How much longer do the events of healthy streams take when 1 of 1,000 streams has a handler that always throws? */
import { join } from 'node:path';

import { categoryStream, streamName, type StreamName } from 'daybook';
import { consumer, runConsumer, type Consumer } from 'daybook/consumer';

import { readFlags } from './support/flags.ts';
import { median, print, quantile, significant } from './support/measure.ts';
import { sampleEvent } from './support/sample-events.ts';
import { benchFolder, openStore } from './support/store.ts';

const { seconds, repeats, number, text } = readFlags('events', 'folder', 'streams');
const streams = number('streams', 1_000);
/** Appends that wait for their event to be handled. */
const inFlight = 16;

using folder = benchFolder(text('folder', '') || undefined);
await using store = await openStore(join(folder.path, 'x.db'));

/** Who waits for which event to be handled. */
const waiting = new Map<string, () => void>();
/** Those that fail: one more in each round, so that each round has its tries and its parking. */
const poisoned = new Set<StreamName>();

function following(category: string): Consumer {
  return consumer(`Bench${category}`, {
    from: categoryStream(category),
    startAt: 'beginning',
    concurrency: inFlight,
    retry: { attempts: 3, firstMs: 20, then: 'park-stream' },
    handle: ({ stream, id }) => {
      if (poisoned.has(stream)) throw new RangeError('This order cannot be handled.');
      waiting.get(id)?.();
    },
  });
}

/** Appends to all streams and waits for each event of a healthy one, for so long. Gives how long each took. */
async function appendAndWait(category: string, time: number): Promise<readonly number[]> {
  const latencies: number[] = [];
  const end = performance.now() + time * 1_000;
  let next = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      const stream = streamName(`${category}-${next++ % streams}`);
      const event = sampleEvent();
      const began = performance.now();
      const handled = new Promise<void>((resolve) => waiting.set(event.id, resolve));
      await store.append(stream, [event], { expected: 'any' });
      if (!poisoned.has(stream)) {
        await handled;
        latencies.push(performance.now() - began);
      }
      waiting.delete(event.id);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  return latencies.toSorted((a, b) => a - b);
}

await using runs = new AsyncDisposableStack();
for (const category of ['Calm', 'Poisoned']) runs.use(await runConsumer(store, following(category)));
await appendAndWait('Calm', seconds);
await appendAndWait('Poisoned', seconds);

const rounds: { readonly p50: number; readonly p99: number }[] = [];
for (let round = 0; round < repeats; round++) {
  const sides = new Map<string, readonly number[]>();
  poisoned.add(streamName(`Poisoned-${round % streams}`));
  // Who goes first changes, so that neither always runs on what the other left behind.
  for (const category of round % 2 === 0 ? ['Calm', 'Poisoned'] : ['Poisoned', 'Calm']) {
    sides.set(category, await appendAndWait(category, seconds));
  }
  const [calm = [], others = []] = [sides.get('Calm'), sides.get('Poisoned')];
  rounds.push({ p50: median(others) / median(calm), p99: quantile(others, 0.99) / quantile(calm, 0.99) });
}

const ratio = significant(median(rounds.map(({ p50 }) => p50)));
print({
  ratio,
  question: `time from append to handled in healthy streams, with 1 of ${streams} streams poisoned, against none`,
  budget: 1.1,
  isMet: ratio < 1.1,
  ratios: [Math.min(...rounds.map(({ p50 }) => p50)), Math.max(...rounds.map(({ p50 }) => p50))].map(significant),
  p99Ratio: significant(median(rounds.map(({ p99 }) => p99))),
});
