/**
 * One of two processes that append to the same file and follow all of it. It prints what it appended and what it saw,
 * each with the time of a clock that both share.
 *
 * Arguments: path of the store, name of the writer, batches. On `follow N` it ends once it has seen position N.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';

import { runLane } from './support/lane.ts';
import { openStore } from './support/open-store.ts';
import { sayReady } from './support/say-ready.ts';

const [, , path = '', writer = '', batches = '0'] = process.argv;

/** Between two appends, so that it is the way to the other process that takes time and not the queue. */
const pauseMs = 3;

await using store = await openStore(path);
const ended = new AbortController();
let seen = 0n;
let last: bigint | undefined;
const say = (what: string, position: bigint): void =>
  void writeSync(1, `${what} ${position} ${process.hrtime.bigint()}\n`);

async function follow(): Promise<void> {
  for await (const message of store.subscribeToAll({ signal: ended.signal })) {
    if (message.kind !== 'event') continue;
    seen = message.event.position;
    say('saw', seen);
    if (last !== undefined && seen >= last) return;
  }
}

const following = follow();
sayReady();
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
await input.next();
let appended = 0n;
for (let batch = 0; batch < Number(batches); batch++) {
  await runLane(store, { writer, batches: 1, onAck: ({ position }) => (appended = position) });
  say('appended', appended);
  await after(pauseMs);
}
writeSync(1, 'done\n');
const { value } = await input.next();
last = BigInt(String(value).split(' ')[1] ?? '0');
if (seen >= last) ended.abort();
await following.catch((error: unknown) => {
  if (!ended.signal.aborted) throw error;
});
process.stdin.destroy();
