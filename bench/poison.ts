/** How much longer do the events of healthy streams take when 1 of 1,000 streams has a handler that always throws? */
import { join } from 'node:path';

import { categoryStream, streamName } from 'daybook';
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

/** A stream is poisoned when its turn comes after so many others. */
const soon = 50;
/** A turn of one side. They are short, so that what shakes the machine shakes both. */
const turnMs = 100;

/** One side: streams of a category, and the consumer that follows it. */
interface Side {
  readonly category: string;
  /** The numbers of those streams whose handler always throws. */
  readonly poisoned: ReadonlySet<number>;
  next: number;
}

/** Who waits for which event to be handled. */
const waiting = new Map<string, () => void>();
/** Nobody waits for events of these streams, on neither side: one more in each round, so that each has its tries. */
const unwatched = new Set<number>();
const calm: Side = { category: 'Calm', poisoned: new Set(), next: 0 };
const sick: Side = { category: 'Sick', poisoned: unwatched, next: 0 };

function following({ category, poisoned }: Side): Consumer {
  return consumer(`Bench${category}`, {
    from: categoryStream(category),
    startAt: 'beginning',
    concurrency: inFlight,
    retry: { attempts: 3, firstMs: 20, then: 'park-stream' },
    handle: ({ stream, id }) => {
      if (poisoned.has(Number(stream.slice(category.length + 1)))) throw new RangeError('It cannot be handled.');
      waiting.get(id)?.();
    },
  });
}

/** Appends to all streams and waits for each event of a healthy one, for a turn. Gives how long each took. */
async function takeTurn(side: Side): Promise<readonly number[]> {
  const latencies: number[] = [];
  const end = performance.now() + turnMs;
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      const at = side.next++ % streams;
      const event = sampleEvent();
      const began = performance.now();
      const handled = new Promise<void>((resolve) => waiting.set(event.id, resolve));
      await store.append(streamName(`${side.category}-${at}`), [event], { expected: 'any' });
      if (!unwatched.has(at)) {
        await handled;
        latencies.push(performance.now() - began);
      }
      waiting.delete(event.id);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  return latencies;
}

/** Both sides in turns, for so long each: how the middle and the tail of the sick one compare to the calm one. */
async function playRound(): Promise<{ readonly p50: number; readonly p99: number }> {
  const [ofCalm, ofSick]: [number[], number[]] = [[], []];
  for (let turn = 0; turn * turnMs < seconds * 1_000; turn++) {
    // Who goes first changes, so that neither always runs on what the other left behind.
    if (turn % 2 === 0) ofCalm.push(...(await takeTurn(calm)));
    ofSick.push(...(await takeTurn(sick)));
    if (turn % 2 === 1) ofCalm.push(...(await takeTurn(calm)));
  }
  const [theirs, ours] = [ofCalm, ofSick].map((all) => all.toSorted((a, b) => a - b));
  const compared = (part: number): number => quantile(ours ?? [], part) / quantile(theirs ?? [], part);
  return { p50: compared(0.5), p99: compared(0.99) };
}

await using runs = new AsyncDisposableStack();
for (const side of [calm, sick]) runs.use(await runConsumer(store, following(side)));
await playRound();

const rounds: { readonly p50: number; readonly p99: number }[] = [];
for (let round = 0; round < repeats; round++) {
  unwatched.add((sick.next + soon) % streams);
  rounds.push(await playRound());
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
