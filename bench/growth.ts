/** Does a store of 5 million events open, append and read as one of 100,000 does? */
import { statSync } from 'node:fs';
import { join } from 'node:path';

import { streamName } from 'daybook';

import { readFlags } from './support/flags.ts';
import { callersFor, median, print, significant, tail, type Measured } from './support/measure.ts';
import { sampleEvent, sampleEvents, sampleStream } from './support/sample-events.ts';
import { benchFolder, openStore, preload } from './support/store.ts';

const { seconds, repeats, number, text } = readFlags('events', 'small', 'folder');
const sizes = { small: number('small', 100_000), large: number('events', 5_000_000) };

using folder = benchFolder(text('folder', '') || undefined);
const probe = streamName('Probe-1');
type Size = keyof typeof sizes;

const pathOf = (size: Size): string => join(folder.path, `${size}.db`);
for (const size of ['small', 'large'] as const) {
  await using store = await openStore(pathOf(size));
  await store.append(probe, sampleEvents(500), { expected: 'any' });
  await preload(store, sizes[size]);
  await store.append(probe, sampleEvents(500), { expected: 'any' });
}

interface Round {
  readonly openMs: number;
  readonly appends: Measured;
  readonly reads: number;
}

/** Opens the store, appends with 64 in flight, and reads a stream that lies at both ends of the log. */
async function round(size: Size): Promise<Round> {
  const began = performance.now();
  await using store = await openStore(pathOf(size));
  await store.head();
  const openMs = performance.now() - began;
  const append = (): Promise<unknown> => store.append(sampleStream(), [sampleEvent()], { expected: 'any' });
  await callersFor(seconds / 5, { callers: 64, size: 1, call: append });
  const appends = await callersFor(seconds, { callers: 64, size: 1, call: append });
  const reads = await callersFor(seconds / 2, {
    callers: 1,
    size: 1_000,
    call: async () => {
      for await (const page of store.readStream(probe).pages()) if (page.length === 0) break;
    },
  });
  return { openMs, appends, reads: reads.perSecond };
}

const rounds: { readonly small: Round; readonly large: Round }[] = [];
for (let count = 0; count < repeats; count++) {
  rounds.push({ small: await round('small'), large: await round('large') });
}
const middle = (of: (round: Round) => number, size: Size): number =>
  significant(median(rounds.map((one) => of(one[size]))));
const report = (size: Size): object => ({
  events: sizes[size],
  openMs: middle(({ openMs }) => openMs, size),
  appendsPerSecond: Math.round(middle(({ appends }) => appends.perSecond, size)),
  ...tail(rounds.flatMap((one) => one[size].appends.latencies).toSorted((a, b) => a - b)),
  readsPerSecond: Math.round(middle(({ reads }) => reads, size)),
  bytesPerEvent: Math.round(statSync(pathOf(size)).size / sizes[size]),
});

const ratio = significant(median(rounds.map(({ small, large }) => large.appends.perSecond / small.appends.perSecond)));
const slowestOpenMs = significant(Math.max(...rounds.map(({ large }) => large.openMs)));
print({
  ratio,
  question: `appends to a store of ${sizes.large} events against one of ${sizes.small}, 64 in flight`,
  budget: 0.75,
  openBudgetMs: 1_000,
  isMet: ratio >= 0.75 && slowestOpenMs < 1_000,
  readRatio: significant(median(rounds.map(({ small, large }) => large.reads / small.reads))),
  slowestOpenMs,
  small: report('small'),
  large: report('large'),
});
