/**
 * A service as a test of `daybook gameday` needs it: consumers that are right, and some that are wrong in ways that show
 * only when something happens. It has no read models, so that its processes do not load Kysely: there are dozens.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

import { eventTypeStream, jsonEvent, streamName, type EventStore } from 'daybook';
import { consumer, type Consumer } from 'daybook/consumer';

const shipped = { from: eventTypeStream('OrderShipped'), startAt: 'now' } as const;

export const consumers: readonly (Consumer | object)[] = [
  consumer('Mailing', {
    ...shipped,
    handle: (event) => [{ kind: 'mail', about: event.stream }],
    interpret: (effect) => appendFileSync(join(process.cwd(), 'mails.txt'), `${JSON.stringify(effect)}\n`),
  }),
  consumer('Calling', { ...shipped, handle: () => appendFileSync(join(process.cwd(), 'calls.txt'), 'called\n') }),
  consumer('Dating', {
    ...shipped,
    handle: () => [{ kind: 'mail', on: new Date().toISOString().slice(0, 10) }],
    interpret: () => {},
  }),
  {
    effects: 'in-log',
    consumer: (store: EventStore) =>
      consumer('Doubling', {
        ...shipped,
        handle: async ({ stream }) => {
          const told = jsonEvent({ type: 'CustomerTold', data: {} }); // With a new id each time.
          await store.append(streamName(stream), [told], { expected: 'any' });
        },
      }),
  },
];
