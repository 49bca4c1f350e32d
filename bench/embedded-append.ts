/** How fast are durable appends, compared to the same bytes in a bare table with the same commits? */
import { join } from 'node:path';

import { readFlags } from './support/flags.ts';
import { callersFor, compare, print, repeatFor, tail } from './support/measure.ts';
import { RawTable } from './support/raw-table.ts';
import { body, sampleEvent, sampleEvents, sampleStream } from './support/sample-events.ts';
import { benchFolder, openStore, preload } from './support/store.ts';

const { seconds, repeats, number, text } = readFlags('events', 'folder');
const events = number('events', 100_000);

using folder = benchFolder(text('folder', '') || undefined);
await using store = await openStore(join(folder.path, 'x.db'));
using raw = new RawTable(join(folder.path, 'raw.db'));
await preload(store, events);
raw.fill(events, body);

const rows = [];
for (const inFlight of [64, 16, 1]) {
  const { latencies, ...found } = await compare({
    seconds,
    repeats,
    ours: (time) =>
      callersFor(time, {
        callers: inFlight,
        size: 1,
        call: () => store.append(sampleStream(), [sampleEvent()], { expected: 'any' }),
      }),
    theirs: (time) =>
      repeatFor(time, () => {
        raw.commit(Array.from({ length: inFlight }, body));
        return inFlight;
      }),
  });
  const budgets = inFlight === 64 ? { budget: 0.35, p99BudgetMs: 5 } : {};
  rows.push({ what: `${inFlight} in flight`, ...found, ...tail(latencies), ...budgets });
}
const { latencies, ...found } = await compare({
  seconds,
  repeats,
  ours: (time) =>
    callersFor(time, {
      callers: 1,
      size: 100,
      call: () => store.append(sampleStream(), sampleEvents(100), { expected: 'any' }),
    }),
  theirs: (time) =>
    repeatFor(time, () => {
      raw.commit(Array.from({ length: 100 }, body));
      return 100;
    }),
});
rows.push({ what: 'batches of 100', ...found, ...tail(latencies), budget: 0.35 });

print({
  ratio: rows[0]?.ratio ?? 0,
  question: 'durable one-event appends, 64 in flight, against a bare table with commits of 64',
  budget: 0.35,
  goal: 0.5,
  events,
  rows,
});
