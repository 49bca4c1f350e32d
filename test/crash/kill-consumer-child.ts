/**
 * A process that runs a consumer until it kills itself at one of six points, or, without a point, until it has handled
 * everything. Its effects: a line in a file, and an event with an id of its own in the same store.
 *
 * It says `ready` when its modules are loaded, and reads the path of the store, the point, and at which time to die.
 * Argument: mutant.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';

import { eventTypeStream, jsonEvent, streamName, type EventStore } from 'daybook';
import { consumer, runConsumer, type Consumer } from 'daybook/consumer';

import { openStore } from './support/open-store.ts';
import { sayReady } from './support/say-ready.ts';

/** Where a consumer can be killed. */
export type KillPoint = 'decode' | 'handled' | 'effect' | 'append' | 'commit' | 'committed';

/** The mutant does what it has to after the checkpoint, which is this much later. */
const lateMs = 15;

const [, , mutant] = process.argv;

sayReady();
const [line] = (await once(process.stdin, 'data')) as [Buffer]; // No encoding was set.
process.stdin.destroy(); // Nothing more is read, and an open pipe would keep the process.
const [path = '', point = '', times = '0'] = line.toString().trim().split(' ');
let left = Number(times);

/** Dies when it has come to its point for so many times. */
function pass(here: KillPoint): void {
  if (here !== point) return;
  left -= 1;
  if (left <= 0) process.kill(process.pid, 'SIGKILL');
}

/** A store in which a checkpoint can be interrupted: before it is appended, in the middle, and right after it. */
function interrupted(store: EventStore): EventStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      if (name !== 'append') return member.bind(target);
      return async (...words: Parameters<EventStore['append']>) => {
        if (!words[0].endsWith('_checkpoints')) return await target.append(...words);
        pass('append');
        const appending = target.append(...words);
        setImmediate(() => pass('commit'));
        const appended = await appending;
        pass('committed');
        return appended;
      };
    },
  });
}

/** A UUID that is always the same for the same event. */
function mailIdOf(id: string): string {
  const hex = createHash('sha256').update(id).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

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
const { position } = await store.head();
if (position !== undefined) await run.reached(position, { timeoutMs: 30_000 });
