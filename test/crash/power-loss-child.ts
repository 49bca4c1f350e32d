/**
 * A process that appends to a store while the disk shim watches it, and writes each ack to a file that the shim knows.
 *
 * Arguments: path of the store, file for the acks, scenario, seed.
 */
import { openSync, writeSync } from 'node:fs';

import { categoryStream } from 'daybook';

import { category } from './support/checkable-event.ts';
import { formatAck, runLane, type Ack } from './support/lane.ts';
import { openStore } from './support/open-store.ts';
import { seededRandom } from './support/random.ts';

const [, , path = '', ackPath = '', scenario = '', seed = '0'] = process.argv;
const random = seededRandom(Number(seed));
const acks = openSync(ackPath, 'a');
const onAck = (ack: Ack): void => void writeSync(acks, formatAck(ack));

/** Opens the store, appends `batches` in each of so many lanes at the same time, and closes it. */
async function appendAndClose(lanes: number, batches: number, alongside?: () => void): Promise<void> {
  await using store = await openStore(path);
  await Promise.all(
    Array.from({ length: lanes }, (_, lane) =>
      runLane(store, {
        writer: `0.${lane}`,
        streams: lane % 3 === 2 ? 2 : 1,
        batches,
        onAck: (ack) => {
          onAck(ack);
          alongside?.();
        },
      }),
    ),
  );
}

switch (scenario) {
  case 'append':
    await appendAndClose(1, 60);
    break;
  case 'group-commit':
    await appendAndClose(12, 8);
    break;
  case 'derived-reads': {
    await using store = await openStore(path);
    for (let round = 0; round < 6; round++) {
      await Promise.all([0, 1, 2].map((lane) => runLane(store, { writer: `0.${lane}`, batches: 4, onAck })));
      for await (const page of store.readStream(categoryStream(category)).pages()) if (page.length === 0) break;
    }
    break;
  }
  case 'reopen':
    for (let round = 0; round < 4; round++) await appendAndClose(random.between(1, 4), random.between(1, 8));
    break;
  case 'kill': {
    let left = random.between(5, 60);
    await appendAndClose(4, 40, () => {
      if (--left === 0) process.kill(process.pid, 'SIGKILL');
    });
    break;
  }
  default:
    throw new Error(`There is no scenario ${scenario}.`);
}
