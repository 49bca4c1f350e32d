import { openSync, writeSync } from 'node:fs';

import { position, type RecordedEvent } from 'daybook';
import { runConsumer, systemClock, type Consumer, type EffectOf } from 'daybook/consumer';
import { openSqliteStore } from 'daybook/sqlite';

import type { ConfiguredConsumer } from '../../config/config.ts';
import { defined } from '../../config/load-config.ts';
import { jsonText } from '../../output/json-text.ts';
import { pace, repairBudgetMs, type Plan } from '../plan.ts';
import { Mischief } from './mischief.ts';
import { follow, nameOf } from './voice.ts';

/** Runs a consumer as its service would, with a fault, until the game day says that it is over. */
export async function playConsumer(plan: Plan, consumers: readonly ConfiguredConsumer[]): Promise<void> {
  const mischief = new Mischief(plan.fault);
  await using store = await openSqliteStore(plan.log);
  const found = consumers.map((each) => defined(each, store)).find(({ name }) => name === plan.name);
  if (found === undefined) return;
  const played = paced(noted(found, plan, mischief), plan);
  await using run = await runConsumer(store, played, {
    leaseMs: plan.leaseMs,
    checkpointEveryMs: 50,
    clock: { ...systemClock, now: () => Date.now() }, // Of this moment: the fault may put it wrong.
  });
  await follow(async () => {
    const head = (await store.head()).position ?? position(0n);
    await run.reached(head, { timeoutMs: repairBudgetMs });
    const { handled, statements } = mischief;
    return { kind: 'reached', handled, statements };
  });
}

/** The same consumer from the first event on, in the time of a game day. */
function paced(consumer: Consumer, { heartbeatMs }: Plan): Consumer {
  const { attempts, then } = consumer.retry;
  return {
    ...consumer,
    startAt: 'beginning',
    heartbeatMs,
    freshnessMs: pace.freshnessMs,
    timeoutMs: Math.min(consumer.timeoutMs, pace.handlerTimeoutMs),
    retry: { attempts, then, firstMs: pace.firstDelayMs, mostMs: pace.longestDelayMs },
  };
}

/** The same consumer, which notes what it has handled, and what it asked for. */
function noted(consumer: Consumer, { deliveries, effects }: Plan, mischief: Mischief): Consumer {
  const file = openSync(deliveries, 'a');
  const asked = new Map<string, EffectOf[]>();
  const rehearsed =
    effects === 'real'
      ? consumer
      : consumer.withInterpret?.((effect, { key }) => void asked.set(key, [...(asked.get(key) ?? []), effect]));
  if (rehearsed === undefined) throw new Error(`${consumer.name} does its effects itself.`);
  return {
    ...rehearsed,
    async handle(events, contexts) {
      for (const { event } of contexts) await mischief.before({ id: event.id, ...nameOf(original(event)) });
      for (const { key } of contexts) asked.delete(key);
      await rehearsed.handle(events, contexts);
      for (const { event, key } of contexts) {
        const { type, stream, revision } = nameOf(original(event));
        writeSync(file, `${jsonText({ key, type, stream, revision, effects: asked.get(key) ?? [] })}\n`);
        mischief.after();
      }
    },
  };
}

/** An event of a derived stream stands in a stream of its own. */
function original(event: RecordedEvent): Pick<RecordedEvent, 'type' | 'stream' | 'revision'> {
  return event;
}
