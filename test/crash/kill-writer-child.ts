/**
 * A process that appends until it is killed. It says `ready` when its modules are loaded, opens the store whose path it
 * reads from its input, and prints each ack as soon as the store gives it.
 *
 * Arguments: name of the writer, events in a batch (0: 1 to 5), mutant.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';

import { formatAck, runLane, type LaneStore } from './support/lane.ts';
import { inTwoTransactions } from './support/mutants.ts';
import { openStore } from './support/open-store.ts';
import { sayReady } from './support/say-ready.ts';

const [, , writer = '', size = '0', mutant] = process.argv;

/** Lanes append at the same time, so that their appends share commits. The last one appends to two streams at once. */
const lanes = [1, 1, 1, 2] as const;

sayReady();
const [line] = (await once(process.stdin, 'data')) as [Buffer]; // No encoding was set.
const store = await openStore(line.toString().trim());
const appending: LaneStore = mutant === 'two-transactions' ? inTwoTransactions(store) : store;
await Promise.all(
  lanes.map((streams, lane) =>
    runLane(appending, {
      writer: `${writer}.${lane}`,
      streams,
      size: Number(size) || undefined,
      onAck: (ack) => writeSync(1, formatAck(ack)),
    }),
  ),
);
