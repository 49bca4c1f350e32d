/**
 * A process that runs a consumer until it is killed, and prints what it handles and when its state changes. It reads the
 * path of its store from its input.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';

import { eventTypeStream } from 'daybook';
import { consumer, runConsumer } from 'daybook/consumer';

import { openStore } from './support/open-store.ts';
import { sayReady } from './support/say-ready.ts';

sayReady();
const [line] = (await once(process.stdin, 'data')) as [Buffer]; // No encoding was set.
await using store = await openStore(line.toString().trim());
const mailing = consumer('Mailing', {
  from: eventTypeStream('OrderShipped'),
  startAt: 'beginning',
  handle: ({ stream, revision }) => void writeSync(1, `handled ${revision}@${stream}\n`),
});
await using run = await runConsumer(store, mailing, { leaseMs: 1_000, checkpointEveryMs: 1 });
for (let state = ''; ; await after(5)) {
  if (run.state !== state) writeSync(1, `${run.state}\n`);
  state = run.state;
}
