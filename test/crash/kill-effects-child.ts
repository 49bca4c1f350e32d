/**
 * A process that does two effects for each event, one at least once and one at most once, until it kills itself between
 * an effect and the ledger that remembers it; or, without a point, until it has handled everything. An effect is a line
 * in a file. So is the word that nobody knows whether it happened.
 *
 * It reads its orders as `support/kill-orders.ts` says. Argument: mutant.
 */
import { appendFileSync } from 'node:fs';

import { eventTypeStream, type EventStore } from 'daybook';
import { consumer, runConsumer, type EffectDelivery, type HandlerContext } from 'daybook/consumer';

import { readKillOrders } from './support/kill-orders.ts';
import { openStore } from './support/open-store.ts';
import { untilHandled } from './support/until-handled.ts';
import { withAppend } from './support/with-append.ts';

/** Where an effect can be killed: when it is begun, when it has happened, and when the ledger says so. */
export type EffectKillPoint = `${EffectDelivery}/${'begun' | 'effect' | 'done'}`;

const [, , mutant] = process.argv;
const { path, isDoomed, pass } = await readKillOrders<EffectKillPoint>();

const deliveries: readonly EffectDelivery[] = ['at-least-once', 'at-most-once'];

/** Which of the two is under way. */
let delivery: EffectDelivery = 'at-least-once';

/** A store in which the ledger can be interrupted: after each of its words. */
function interrupted(store: EventStore): EventStore {
  return withAppend(store, async (stream, events, options) => {
    const appended = await store.append(stream, events, options);
    const [event] = events;
    if (stream.startsWith('$effect-') && event !== undefined)
      pass(`${delivery}/${event.type === 'EffectBegun' ? 'begun' : 'done'}`);
    return appended;
  });
}

async function mail(id: string, { once }: Pick<HandlerContext, 'once'>): Promise<void> {
  const effect = (): string => {
    appendFileSync(`${path}.effects`, `${delivery} ${id}\n`);
    pass(`${delivery}/effect`);
    return id;
  };
  const key = `${delivery}/${id}`;
  if (mutant === 'no-ledger') return void effect();
  const swapped = delivery === 'at-least-once' ? 'at-most-once' : 'at-least-once';
  const result = await once({ key, delivery: mutant === 'swapped' ? swapped : delivery }, effect);
  if (result.outcome === 'unknown') appendFileSync(`${path}.effects`, `unknown ${id}\n`);
}

await using store = await openStore(path);
const mailing = consumer('Mailing', {
  from: eventTypeStream('OrderShipped'),
  startAt: 'beginning',
  handle: async ({ id }, context) => {
    for (delivery of deliveries) await mail(id, context);
  },
});
await using run = await runConsumer(interrupted(store), mailing, { checkpointEveryMs: 1, leaseMs: 2_000 });
await untilHandled(run, store, { isDoomed });
