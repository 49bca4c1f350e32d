/** How long does an event take from the call of append to a subscriber who is waiting? */
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';

import { readFlags } from './support/flags.ts';
import { median, print, quantile, significant, tail } from './support/measure.ts';
import { sampleEvent, sampleStream } from './support/sample-events.ts';
import { benchFolder, openStore, preload } from './support/store.ts';

const { seconds, repeats, number, text } = readFlags('events', 'folder');
const events = number('events', 100_000);

using folder = benchFolder(text('folder', '') || undefined);
await using store = await openStore(join(folder.path, 'x.db'));
await preload(store, events);

const ended = new AbortController();
let arrived: (() => void) | undefined;
const { promise: caughtUp, resolve: isCaughtUp } = Promise.withResolvers<void>();

async function follow(): Promise<void> {
  for await (const message of store.subscribeToAll({ after: 'end', signal: ended.signal })) {
    if (message.kind === 'caught-up') isCaughtUp();
    if (message.kind === 'event') arrived?.();
  }
}

const following = follow();
await caughtUp;
const ratios: number[] = [];
const delivered: number[] = [];
for (let round = 0; round < repeats; round++) {
  const [acks, deliveries]: [number[], number[]] = [[], []];
  for (const end = performance.now() + seconds * 1_000; performance.now() < end;) {
    const began = performance.now();
    const delivery = new Promise<void>((resolve) => (arrived = resolve)).then(() => performance.now() - began);
    await store.append(sampleStream(), [sampleEvent()], { expected: 'any' });
    acks.push(performance.now() - began);
    deliveries.push(await delivery);
    await turn();
  }
  ratios.push(median(deliveries) / median(acks));
  delivered.push(...deliveries);
}
ended.abort();
await following.catch((error: unknown) => {
  if (!ended.signal.aborted) throw error;
});

const sorted = delivered.toSorted((a, b) => a - b);
print({
  ratio: significant(median(ratios)),
  question: 'time until a waiting subscriber has an event, against the time until the append is acknowledged',
  budget: { p50Ms: 1, p99Ms: 5 },
  isMet: quantile(sorted, 0.5) < 1 && quantile(sorted, 0.99) < 5,
  ...tail(sorted),
  events,
});
