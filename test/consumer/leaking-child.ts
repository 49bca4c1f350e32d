/**
 * A process that places an order and runs a consumer until that is handled. Its handler forgets to wait for what it
 * does. Argument: `fail`, and what it does fails a moment later. It reads the path of its store from its input.
 */
import { once } from 'node:events';
import { setImmediate as later } from 'node:timers/promises';

import { jsonEvent, streamName } from 'daybook';
import { consumer, runConsumer } from 'daybook/consumer';
import { openSqliteStore } from 'daybook/sqlite';

import { sayReady } from '../crash/support/say-ready.ts';
import { placed } from './support/world.ts';

const [, , what] = process.argv;

sayReady();
const [line] = (await once(process.stdin, 'data')) as [Buffer]; // No encoding was set.
process.stdin.destroy(); // Nothing more is read, and an open pipe would keep the process.
await using store = await openSqliteStore(line.toString().trim());

async function mail(): Promise<void> {
  await later();
  if (what === 'fail') throw new Error('Nobody waits for this mail.');
}

const event = jsonEvent({ type: 'OrderPlaced', data: {} });
const { position } = await store.append(streamName('Customer-1'), [event], { expected: 'any' });
const leaking = consumer('Leaking', { from: placed, startAt: 'beginning', handle: () => void mail() });
await using run = await runConsumer(store, leaking);
await run.reached(position, { timeoutMs: 30_000 });
// One that fails lives until its failure: nothing holds back an error that nobody waits for.
if (what === 'fail') await run.done;
