import { join } from 'node:path';

import { openMemoryStore } from 'daybook/memory';

import type { Config, ConfiguredConsumer, ConfiguredModel } from '../config/config.ts';
import { defined } from '../config/load-config.ts';
import { refuseFilled } from './database.ts';
import { deedsOf } from './deeds.ts';
import { ConsumerGround, ModelGround, planFor, type GroundOptions, type Size } from './ground.ts';
import { broken } from './judge-model.ts';
import { failed, notPlayed, type Outcome } from './outcome.ts';
import type { Plan } from './plan.ts';
import type { Scenario } from './scenario.ts';

/** One scenario of one consumer or read model, and how it ended. */
export interface Played extends Outcome {
  readonly subject: string;
  readonly kind: Plan['kind'];
  readonly scenario: string;
}

/** What a game day plays. */
export interface Game {
  readonly config: Config;
  readonly scenarios: readonly Scenario[];
  /** Whether consumers may do what they do outside of the log. */
  readonly effects: 'never' | 'real';
  readonly ground: GroundOptions;
}

/** How many outcomes there will be. */
export function countOf({ config, scenarios }: Game): number {
  const onModels = scenarios.filter(({ onModel }) => onModel !== undefined).length;
  const onConsumers = scenarios.filter(({ onConsumer }) => onConsumer !== undefined).length;
  return config.readModels.length * onModels + config.consumers.length * onConsumers;
}

/** Plays every scenario with every consumer and read model, one after the other. */
export async function* playAll(game: Game): AsyncGenerator<Played, void, undefined> {
  for (const configured of game.config.readModels) yield* playModel(game, configured);
  for (const configured of game.config.consumers) yield* playConsumer(game, configured);
}

async function* playModel(game: Game, configured: ConfiguredModel): AsyncGenerator<Played, void, undefined> {
  const { name } = configured.model;
  const scenarios = game.scenarios.flatMap(({ name: scenario, onModel }) => (onModel ? [{ scenario, onModel }] : []));
  if (scenarios.length === 0) return;
  if (configured.scratch !== undefined) {
    const db = await configured.scratch();
    await refuseFilled(db, name).finally(() => db.destroy());
  }
  const options = { ...game.ground, folder: join(game.ground.folder, 'models') };
  const who = { kind: 'read-model', name, effects: 'recorded' } as const;
  const groundFor = async (size: Size): Promise<ModelGround> => {
    const { folder, plan } = await planFor(options, who);
    return new ModelGround(plan, { ...options, folder }, { configured, size });
  };
  const first = await sizeOf(await groundFor({ handled: 0, statements: 0 }));
  for (const { scenario, onModel } of scenarios) {
    const outcome = async (): Promise<Outcome> => {
      if ('verdict' in first) return first;
      if (first.size.handled === 0) return notPlayed('it handles none of these events');
      await using ground = await groundFor(first.size);
      return await guarded(() => onModel(ground), game.ground.signal);
    };
    yield { subject: name, kind: 'read-model', scenario, ...(await outcome()) };
  }
}

async function* playConsumer(game: Game, configured: ConfiguredConsumer): AsyncGenerator<Played, void, undefined> {
  const scenarios = game.scenarios.flatMap(({ name, onConsumer }) =>
    onConsumer ? [{ scenario: name, onConsumer }] : [],
  );
  if (scenarios.length === 0) return;
  await using nowhere = openMemoryStore();
  const consumer = defined(configured, nowhere);
  const { name } = consumer;
  const isReal = game.effects === 'real' || configured.effects === 'in-log';
  if (!isReal && consumer.withInterpret === undefined) {
    const why =
      'its handler does its effects itself, and they would be real. Ask for them in handle and do them in interpret, ' +
      "or say effects: 'in-log' in the config when all it does is append, or give --with-effects";
    for (const { scenario } of scenarios) yield { subject: name, kind: 'consumer', scenario, ...notPlayed(why) };
    return;
  }
  const options = { ...game.ground, folder: join(game.ground.folder, 'consumers') };
  const who = { kind: 'consumer', name, effects: isReal ? 'real' : 'recorded' } as const;
  const nothing = { deliveries: [], appended: new Map<string, number>() };
  const groundFor = async (size: Size, baseline = nothing as ConsumerGround['baseline']): Promise<ConsumerGround> => {
    const { folder, plan } = await planFor(options, who);
    return new ConsumerGround(plan, { ...options, folder }, { consumer, size, baseline });
  };
  const first = await baselineOf(await groundFor({ handled: 0, statements: 0 }));
  for (const { scenario, onConsumer } of scenarios) {
    const outcome = async (): Promise<Outcome> => {
      if ('verdict' in first) return first;
      if (first.size.handled === 0) return notPlayed('it handles none of these events');
      await using ground = await groundFor(first.size, first.baseline);
      return await guarded(() => onConsumer(ground), game.ground.signal);
    };
    yield { subject: name, kind: 'consumer', scenario, ...(await outcome()) };
  }
}

/** How much there is to do: played once, without a fault. */
async function sizeOf(ground: ModelGround | ConsumerGround): Promise<{ readonly size: Size } | Outcome> {
  await using place = ground;
  return await playedOnce(place);
}

async function baselineOf(
  ground: ConsumerGround,
): Promise<{ readonly size: Size; readonly baseline: ConsumerGround['baseline'] } | Outcome> {
  await using place = ground;
  const once = await playedOnce(place);
  if ('verdict' in once) return once;
  await using store = await place.openLog();
  const given = new Set(place.events.map(({ event }) => event.id));
  return { ...once, baseline: await deedsOf(store, place.plan.deliveries, given) };
}

async function playedOnce(ground: ModelGround | ConsumerGround): Promise<{ readonly size: Size } | Outcome> {
  await ground.fill();
  await using played = ground.start({ kind: 'none' });
  const ready = await played.until('ready');
  if (ready.kind !== 'ready') return beforeAnyFault(broken(ready));
  played.tell('reach');
  const reached = await played.until('reached');
  if (reached.kind !== 'reached') return beforeAnyFault(broken(reached));
  await played.end();
  return { size: { handled: reached.handled, statements: reached.statements } };
}

function beforeAnyFault(outcome: Outcome): Outcome {
  const hint = 'Does it need a database of another kind? Open an empty one in the config: { model, db, scratch }';
  return { ...outcome, why: `without any fault, ${outcome.why?.replace(/\.$/, '')}. ${hint}` };
}

/** What a scenario throws is how it ended, unless the game day was stopped. */
async function guarded(play: () => Promise<Outcome>, signal: AbortSignal): Promise<Outcome> {
  try {
    const outcome = await play();
    signal.throwIfAborted();
    return outcome;
  } catch (error) {
    signal.throwIfAborted();
    return failed(`it failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}
