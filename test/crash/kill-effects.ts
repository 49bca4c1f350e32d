import { existsSync, readFileSync } from 'node:fs';

import { eventTypeStream, jsonData, jsonEvent, streamName } from 'daybook';
import { effectStreamOf, type EffectDelivery } from 'daybook/consumer';

import type { EffectKillPoint } from './kill-effects-child.ts';
import type { Broken } from './support/check-log.ts';
import { killInCycles, type Checked } from './support/kill-cycles.ts';
import { openStore } from './support/open-store.ts';
import { commandFor, commandLine, report, type Outcome, type Run } from './support/outcome.ts';
import type { Random } from './support/random.ts';

/** Where the consumer is killed: between the ledger's first word and the effect, after the effect, and at its last word. */
export const effectKillPoints: readonly EffectKillPoint[] = [
  'at-least-once/begun',
  'at-most-once/begun',
  'at-least-once/effect',
  'at-most-once/effect',
  'at-least-once/done',
  'at-most-once/done',
];

/** So many orders are shipped before each kill. */
const ordersPerKill = 6;

/**
 * R13, B9: an effect through `once` is killed between the ledger and what it does outside. At least once: it is done again,
 * and only when the ledger could not say so before. At most once: it is never done again, and its handler is told that
 * nobody knows. The oracle is a file that no ledger looks at; each line and each kill is accounted for.
 *
 * Mutants: `no-ledger` does its effects without asking; `swapped` takes one delivery for the other.
 */
export async function killEffects(run: Run): Promise<Outcome> {
  const child = new URL('kill-effects-child.ts', import.meta.url);
  const { counts, broken } = await killInCycles(run, { child, points: effectKillPoints, prepare: ship, check });
  return { promise: 'R13 B9 kill -9 of an effect', run, counts, broken, command: commandFor('kill-effects.ts', run) };
}

async function ship(path: string, random: Random): Promise<void> {
  await using store = await openStore(path);
  for (let i = 0; i < ordersPerKill; i += 1) {
    const event = jsonEvent({ type: 'OrderShipped', data: i });
    await store.append(streamName(`Order-${random.between(1, 4)}`), [event], { expected: 'any' });
  }
}

type Kills = ReadonlyMap<EffectKillPoint, number>;

async function check(path: string, kills: Kills): Promise<Checked> {
  await using store = await openStore(path);
  const events = await Array.fromAsync(store.readStream(eventTypeStream('OrderShipped')));
  const lines = existsSync(`${path}.effects`) ? readFileSync(`${path}.effects`, 'utf8').trim().split('\n') : [];
  const ids = events.map(({ id }) => id);
  const broken = [...checkAtLeastOnce(ids, lines, kills), ...checkAtMostOnce(ids, lines, kills)];
  for (const id of ids) {
    const ledger = await Array.fromAsync(store.readStream(effectStreamOf('Mailing', `at-least-once/${id}`)));
    const done = ledger.filter(({ type }) => type === 'EffectDone').map((event) => jsonData(event));
    if (done.length !== 1)
      broken.push({ kind: 'altered', problem: `The ledger says ${done.length} times it is done.` });
  }
  return { broken, counts: { events: events.length, effects: lines.length } };
}

/** Each effect is there, and one too many for each kill after it and before the ledger knew. */
function checkAtLeastOnce(ids: readonly string[], lines: readonly string[], kills: Kills): readonly Broken[] {
  const done = effectsOf('at-least-once', lines);
  const lost = ids.filter((id) => !done.includes(id));
  const repeats = done.length - new Set(done).size;
  const expected = kills.get('at-least-once/effect') ?? 0;
  return [
    ...lost.map((id) => ({ kind: 'lost', problem: `What is to happen at least once did not for ${id}.` }) as const),
    ...problemIf(repeats !== expected, 'repeated', `${repeats} were done again after ${expected} kills.`),
  ];
}

/** No effect is there twice; for each kill before it one is missing, and its handler was told. */
function checkAtMostOnce(ids: readonly string[], lines: readonly string[], kills: Kills): readonly Broken[] {
  const done = effectsOf('at-most-once', lines);
  const unknown = new Set(lines.filter((line) => line.startsWith('unknown ')).map((line) => line.split(' ')[1]));
  const [before, after] = [kills.get('at-most-once/begun') ?? 0, kills.get('at-most-once/effect') ?? 0];
  const missing = ids.filter((id) => !done.includes(id));
  const untold = missing.filter((id) => !unknown.has(id));
  return [
    ...problemIf(new Set(done).size < done.length, 'repeated', 'What is to happen at most once happened twice.'),
    ...problemIf(missing.length !== before, 'lost', `${missing.length} did not happen after ${before} kills.`),
    ...problemIf(untold.length > 0, 'lost', `${untold.length} did not happen, and nobody was told.`),
    ...problemIf(
      unknown.size !== before + after,
      'answer',
      `${unknown.size} are unknown after ${before + after} kills.`,
    ),
  ];
}

function effectsOf(delivery: EffectDelivery, lines: readonly string[]): readonly (string | undefined)[] {
  return lines.filter((line) => line.startsWith(`${delivery} `)).map((line) => line.split(' ')[1]);
}

function problemIf(isBroken: boolean, kind: Broken['kind'], problem: string): readonly Broken[] {
  return isBroken ? [{ kind, problem }] : [];
}

if (import.meta.main) {
  const { run } = commandLine(1_000);
  report(await killEffects(run));
}
