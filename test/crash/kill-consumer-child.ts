/**
 * A process that runs a consumer until it kills itself at one of six points, or, without a point, until it has handled
 * everything. Its effects: a line in a file, and an event with an id of its own in the same store.
 *
 * It reads its orders as `support/kill-orders.ts` says. Argument: mutant.
 */
import { createHash } from 'node:crypto';
import fs, { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

import { eventTypeStream, jsonEvent, streamName, type EventStore } from 'daybook';
import { consumer, runConsumer, type Consumer } from 'daybook/consumer';

import { readKillOrders } from './support/kill-orders.ts';
import { openStore } from './support/open-store.ts';
import { untilHandled } from './support/until-handled.ts';
import { withAppend } from './support/with-append.ts';

/** Where a consumer can be killed. */
export type KillPoint =
  /** Before an event is decoded. */
  | 'decode'
  /** After `handle` has said what is to happen, and before it happens. */
  | 'handled'
  /** After the effect, and before the checkpoint says so. */
  | 'effect'
  /** While the checkpoint waits to be written. */
  | 'append'
  /** When the checkpoint is committed, and not flushed. */
  | 'commit'
  /** When it is flushed, and the consumer does not know yet. */
  | 'committed';

/** The mutant does what it has to after the checkpoint, which is this much later. */
const lateMs = 15;

const [, , mutant] = process.argv;
const { path, isDoomed, pass } = await readKillOrders<KillPoint>();

/** Whether a checkpoint is on its way to the disk: the next flush is its own. */
let isAppending = false;

/** Runs `now` before each flush of the store. */
function beforeFlushes(now: () => void): void {
  const { fdatasync, fdatasyncSync } = fs;
  const later = (...words: Parameters<typeof fdatasync>): void => {
    now();
    fdatasync(...words);
  };
  const atOnce = (fd: number): void => {
    now();
    fdatasyncSync(fd);
  };
  Object.assign(fs, { fdatasync: later, fdatasyncSync: atOnce });
  syncBuiltinESMExports();
}

/** A store in which a checkpoint can be interrupted: while it waits, in its commit, and right after it. */
function interrupted(store: EventStore): EventStore {
  return withAppend(store, async (stream, events, options) => {
    if (!stream.endsWith('_checkpoints')) return await store.append(stream, events, options);
    isAppending = true;
    const appending = store.append(stream, events, options);
    pass('append');
    const appended = await appending;
    isAppending = false;
    pass('committed');
    return appended;
  });
}

/** A UUID that is always the same for the same event. */
function mailIdOf(id: string): string {
  const hex = createHash('sha256').update(id).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

beforeFlushes(() => {
  if (isAppending) pass('commit');
});
await using store = await openStore(path);
const watched = interrupted(store);
const mailing = consumer('Mailing', {
  from: eventTypeStream('OrderShipped'),
  startAt: 'beginning',
  decode: (event) => {
    pass('decode');
    return event;
  },
  handle: (event) => [{ kind: 'mail', event } as const],
  interpret: {
    mail: async ({ event }, { key }) => {
      pass('handled');
      appendFileSync(`${path}.effects`, `${key.split('/')[1]} ${event.stream}\n`);
      const mail = jsonEvent({ type: 'MailSent', data: {}, id: mailIdOf(event.id) });
      await watched.append(streamName(`Mail-${event.stream}`), [mail], { expected: 'any' });
      pass('effect');
    },
  },
});

/** The mistake of committing the checkpoint before the effect: what was checkpointed is done a moment later. */
const checkpointFirst: Consumer = {
  ...mailing,
  handle: async (...words) => {
    setTimeout(() => void mailing.handle(...words), lateMs);
  },
};

await using run = await runConsumer(watched, mutant === 'checkpoint-first' ? checkpointFirst : mailing, {
  checkpointEveryMs: 1,
  leaseMs: 2_000,
});
await untilHandled(run, store, { isDoomed });
