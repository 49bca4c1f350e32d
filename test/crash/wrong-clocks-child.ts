/**
 * A process that runs a consumer until it is killed, and says what it handles and when its state changes. Its effects:
 * a line in a file, and an event with an id of its own. At an event that says so, and that nobody has handled, it stops
 * itself between its effect and its checkpoint.
 *
 * It reads the path of its store from its input. Argument: mutant.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as after } from 'node:timers/promises';

import { eventTypeStream, jsonData, jsonEvent, streamName, type EventStore } from 'daybook';
import { consumer, runConsumer } from 'daybook/consumer';

import { openStore } from './support/open-store.ts';
import { sayReady } from './support/say-ready.ts';
import { withAppend } from './support/with-append.ts';

/** A lease lasts so long, by the clock of whoever looks at it. */
const leaseMs = 2_000;

const [, , mutant] = process.argv;

sayReady();
const [line] = (await once(process.stdin, 'data')) as [Buffer]; // No encoding was set.
const path = line.toString().trim();
const effects = `${path}.effects`;

/** The mistake of a lease without a fence: checkpoints are taken from everybody. */
function withoutFence(store: EventStore): EventStore {
  return withAppend(store, (stream, events, options) =>
    store.append(stream, events, stream.endsWith('_checkpoints') ? { expected: 'any' } : options),
  );
}

function mailIdOf(id: string): string {
  const hex = createHash('sha256').update(id).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

await using store = await openStore(path);
const mailing = consumer('Mailing', {
  from: eventTypeStream('OrderShipped'),
  startAt: 'beginning',
  handle: async (event) => {
    const place = `${event.revision}@${event.stream}`;
    const isFirst = !existsSync(effects) || !readFileSync(effects, 'utf8').includes(`${place}\n`);
    appendFileSync(effects, `${place}\n`);
    const mail = jsonEvent({ type: 'MailSent', data: {}, id: mailIdOf(event.id) });
    await store.append(streamName(`Mail-${event.stream}`), [mail], { expected: 'any' });
    writeSync(1, `handled ${place}\n`);
    if (!isFirst || jsonData(event) !== 'stop') return;
    writeSync(1, 'stops\n');
    process.kill(process.pid, 'SIGSTOP');
  },
});
const seen = mutant === 'no-fence' ? withoutFence(store) : store;
await using run = await runConsumer(seen, mailing, { leaseMs, checkpointEveryMs: 1 });
for (let state = ''; ; await after(5)) {
  if (run.state !== state) writeSync(1, `${run.state}\n`);
  state = run.state;
}
