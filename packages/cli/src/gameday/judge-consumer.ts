import { isDeepStrictEqual } from 'node:util';

import type { EventStore } from 'daybook';

import { deedsOf, type Deeds, type Delivery } from './deeds.ts';
import type { ConsumerGround } from './ground.ts';
import { eventText, type Outcome } from './outcome.ts';
import type { EventName } from './plan.ts';

/** Holds what a consumer did against what it did without a fault. */
export async function judgeConsumer(
  ground: ConsumerGround,
  store: EventStore,
  times: Pick<Outcome, 'detectedMs' | 'repairedMs'>,
): Promise<Outcome> {
  const given = new Set(ground.events.map(({ event }) => event.id));
  const deeds = await deedsOf(store, ground.plan.deliveries, given);
  const { baseline } = ground;
  const byKey = Map.groupBy(deeds.deliveries, ({ key }) => key);
  const missing = baseline.deliveries.filter(({ key }) => !byKey.has(key));
  const again = [...byKey.values()].filter((deliveries) => deliveries.length > 1).length;
  const unappended = [...baseline.appended].filter(([what, count]) => (deeds.appended.get(what) ?? 0) < count);
  const sums = { ...times, lost: missing.length + unappended.length, repeated: again };
  const problem =
    firstMissing(missing) ??
    appendedOtherwise(baseline, deeds) ??
    otherEffects(baseline, byKey) ??
    (ground.consumer.batch === 1 ? outOfOrder(deeds) : undefined);
  if (problem === undefined) return { verdict: 'held', ...sums };
  return { verdict: 'failed', ...sums, ...problem };
}

interface Problem {
  readonly why: string;
  readonly event?: EventName | undefined;
}

function firstMissing([first]: readonly Delivery[]): Problem | undefined {
  if (first === undefined) return undefined;
  return { why: `it has never handled ${eventText(first)}`, event: nameOf(first) };
}

function appendedOtherwise(baseline: Deeds, deeds: Deeds): Problem | undefined {
  for (const what of new Set([...baseline.appended.keys(), ...deeds.appended.keys()])) {
    const [before, now] = [baseline.appended.get(what) ?? 0, deeds.appended.get(what) ?? 0];
    if (before !== now) {
      return {
        why:
          `it has appended ${what} ${now} times, and without a fault ${before} times: make the id of its command ` +
          'from the key, { commandId: commandIdFrom(key) }, so that it is recognised when the event comes again',
      };
    }
  }
  return undefined;
}

function otherEffects(baseline: Deeds, byKey: ReadonlyMap<string, readonly Delivery[]>): Problem | undefined {
  for (const before of baseline.deliveries) {
    const other = byKey.get(before.key)?.find(({ effects }) => !isDeepStrictEqual(effects, before.effects));
    if (other === undefined) continue;
    return {
      why:
        `it asked for other effects when ${eventText(before)} came again: ${short(other.effects)} in place of ` +
        `${short(before.effects)}. Let handle depend on its event alone, not on the clock, chance or a variable`,
      event: nameOf(before),
    };
  }
  return undefined;
}

/** Events of one stream are handled in its order, also when some of them had to wait. */
function outOfOrder({ deliveries }: Deeds): Problem | undefined {
  for (const inStream of Map.groupBy(deliveries, ({ stream }) => stream).values()) {
    const firsts = [...Map.groupBy(inStream, ({ key }) => key).values()].flatMap(([first]) => first ?? []);
    const late = firsts.find(({ revision }, index) => BigInt(revision) < BigInt(firsts[index - 1]?.revision ?? -1));
    if (late !== undefined)
      return { why: `${eventText(late)} came after a later event of its stream`, event: nameOf(late) };
  }
  return undefined;
}

function nameOf({ type, stream, revision }: EventName): EventName {
  return { type, stream, revision };
}

const shownCharacters = 120;

function short(effects: readonly unknown[]): string {
  const text = JSON.stringify(effects);
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
}
