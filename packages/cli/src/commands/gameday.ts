import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Command } from 'commander';
import { openMemoryStore } from 'daybook/memory';
import type { AppendedEvent } from 'daybook/testing/read-model';

import type { Config } from '../config/config.ts';
import { defaultConfig, defined, loadConfig } from '../config/load-config.ts';
import { Failure, usage } from '../failure.ts';
import { loggedEvents, sampleEvents } from '../gameday/events.ts';
import { eventText } from '../gameday/outcome.ts';
import { countOf, playAll, type Game, type Played } from '../gameday/play-all.ts';
import type { Scenario } from '../gameday/scenario.ts';
import { scenarios } from '../gameday/scenarios.ts';
import { parseCount, collected } from '../input/parse-options.ts';
import { defaultStore } from '../open-store.ts';
import { counted } from '../output/counted.ts';
import { jsonText } from '../output/json-text.ts';
import type { Column } from '../output/print-rows.ts';
import type { Begin } from '../program.ts';
import type { Shell } from '../shell.ts';

interface Options {
  readonly config?: string;
  readonly events: string;
  readonly only?: readonly string[];
  readonly strict?: true;
  readonly withEffects?: true;
  readonly list?: true;
}

const columns: readonly Column<Played>[] = [
  { title: 'OF', text: ({ subject }) => subject },
  { title: 'SCENARIO', text: ({ scenario }) => scenario },
  { title: 'DETECTED IN', align: 'right', text: ({ detectedMs }) => seconds(detectedMs) },
  { title: 'REPAIRED IN', align: 'right', text: ({ repairedMs }) => seconds(repairedMs) },
  { title: 'LOST', align: 'right', text: ({ lost }) => String(lost ?? '-') },
  { title: 'REPEATED', align: 'right', text: ({ repeated }) => String(repeated ?? '-') },
  { title: 'VERDICT', text: ({ verdict }) => verdict.replace('-', ' ') },
  { title: 'WHY', isDetail: true, text: ({ why }) => why ?? '' },
];

/** `daybook gameday`: what happens in production, on copies. */
export function registerGameday(program: Command, begin: Begin): void {
  program
    .command('gameday')
    .summary('rehearse incidents with your own consumers and read models')
    .description(
      `Plays incidents with the consumers and read models that ${defaultConfig} names, on copies: kills their ` +
        'processes, lets events fail and databases vanish, restores, repeats, reorders. Says for each how soon somebody ' +
        'was told, how soon all was well, and what was lost or done twice. Ends with 8 when one does not hold. It reads ' +
        'the first events of the store, and writes only to temporary files, or to scratch databases that the config opens.',
    )
    .argument('[scenario...]', 'what is played (default: everything, see --list)')
    .option('--list', 'list the scenarios')
    .option('--config <module>', 'the module that names the consumers and read models')
    .option('--only <name>', 'only this consumer or read model; may be given again', collected)
    .option('-n, --events <count>', 'so many events of the store are copied', '600')
    .option('--strict', 'what is fragile has failed')
    .option('--with-effects', 'let consumers do what they do outside of the log: really')
    .action(async (names: readonly string[], options: Options, command: Command) => {
      const shell = begin(command);
      const chosen = chosenScenarios(names);
      if (options.list === true) return list(shell, chosen);
      const config = await configFor(options);
      const events = await eventsFor(shell, parseCount(options.events, '--events'));
      const folder = await mkdtemp(join(tmpdir(), 'daybook-gameday-'));
      try {
        const ground = { folder, config: config.path, events, signal: shell.signal };
        const effects = options.withEffects === true ? 'real' : 'never';
        const played = await follow(shell, { config, scenarios: chosen, effects, ground });
        judge(shell, played, options);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
}

/** Plays, and writes each row as it comes. */
async function follow(shell: Shell, game: Game): Promise<readonly Played[]> {
  const total = countOf(game);
  const all: Played[] = [];
  using progress = shell.progress('scenarios');
  const rows = (async function* pages() {
    for await (const played of playAll(game)) {
      all.push(played);
      progress.update(all.length, all.length / total);
      yield [played];
    }
    progress[Symbol.dispose]();
  })();
  await shell.print({ rows, columns, json: (played) => jsonText(played) });
  return all;
}

/** Says what did not hold, and why. */
function judge(shell: Shell, played: readonly Played[], { strict }: Options): void {
  const wrong = played.filter(({ verdict }) => verdict === 'failed' || (strict === true && verdict === 'fragile'));
  const fragile = played.filter(({ verdict }) => verdict === 'fragile' && strict !== true);
  const left = played.filter(({ verdict }) => verdict === 'not-played');
  for (const each of sentences(fragile)) shell.say(`Fragile: ${each}`);
  for (const [why, alike] of Map.groupBy(left, (each) => each.why)) {
    const who = [...new Set(alike.map(({ subject }) => subject))].join(', ');
    shell.say(`Not played: ${who}: ${why}.`);
  }
  const held = played.length - wrong.length - fragile.length - left.length;
  shell.say(`${counted(played.length, 'scenario')}: ${held} held, ${fragile.length} fragile, ${wrong.length} failed.`);
  if (left.length === played.length) {
    throw new Failure('nothing-played', 3, 'Nothing was played. What the scenarios would need is said above.');
  }
  if (wrong.length > 0) throw new Failure('gameday-failed', 8, sentences(wrong).join(' '));
}

/** What is wrong, each thing once: with whom, when, and at which event. */
function sentences(played: readonly Played[]): readonly string[] {
  const alike = Map.groupBy(played, ({ subject, why }) => `${subject} ${why}`);
  return [...alike.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const { subject, why = 'nobody knows why', event } = first;
    const names = [first, ...others].map(({ scenario }) => scenario).join(', ');
    const at = event === undefined || why.includes(eventText(event)) ? '' : ` The event is ${eventText(event)}.`;
    return [`${subject} does not stand ${names}: ${why.replace(/\.$/, '')}.${at}`];
  });
}

async function list(shell: Shell, chosen: readonly Scenario[]): Promise<void> {
  await shell.print({
    rows: (async function* page() {
      yield chosen;
    })(),
    columns: [
      { title: 'SCENARIO', text: ({ name }) => name },
      { title: 'OF', text: kindsOf },
      { title: 'WHAT', text: ({ about }) => about },
    ],
    json: (scenario) => jsonText({ scenario: scenario.name, of: kindsOf(scenario), about: scenario.about }),
  });
}

function kindsOf({ onModel, onConsumer }: Scenario): string {
  return [...(onModel ? ['read models'] : []), ...(onConsumer ? ['consumers'] : [])].join(', ');
}

function chosenScenarios(names: readonly string[]): readonly Scenario[] {
  const unknown = names.find((name) => scenarios.every((scenario) => scenario.name !== name));
  if (unknown !== undefined) {
    const all = scenarios.map(({ name }) => name);
    const near = all.find((name) => name.startsWith(unknown.slice(0, 2)));
    const hint = near === undefined ? '' : ` Did you mean ${near}?`;
    throw usage(`There is no scenario ${unknown}.${hint} There are ${all.join(', ')}: see --list.`);
  }
  return names.length === 0 ? scenarios : scenarios.filter(({ name }) => names.includes(name));
}

/** The config, with those that were asked for. */
async function configFor({ config: path = defaultConfig, only }: Options): Promise<Config> {
  const config = await loadConfig(path);
  await using nowhere = openMemoryStore();
  const nameOf = (each: Config['consumers'][number]): string => defined(each, nowhere).name;
  const names = [...config.readModels.map(({ model }) => model.name), ...config.consumers.map(nameOf)];
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw usage(`${path} names no ${unknown}. It names ${names.join(', ')}.`);
  if (names.length === 0) throw usage(`${path} names no consumers and no read models: there is nothing to play with.`);
  if (only === undefined) return config;
  return {
    path,
    consumers: config.consumers.filter((each) => only.includes(nameOf(each))),
    readModels: config.readModels.filter(({ model }) => only.includes(model.name)),
  };
}

/** The first events of the store, or of the sample when there is no store. */
async function eventsFor(shell: Shell, atMost: number): Promise<readonly AppendedEvent[]> {
  if (shell.location === defaultStore && !existsSync(defaultStore)) {
    const events = sampleEvents(atMost);
    shell.say(`There is no ${defaultStore}: this is played with ${counted(events.length, 'event')} of the sample.`);
    return events;
  }
  await using store = await shell.open('existing');
  const events = await loggedEvents(store, atMost);
  if (events.length < 2) throw usage(`${shell.location} has too few events for a game day. Give another --store.`);
  shell.say(`Played with the first ${counted(events.length, 'event')} of ${shell.location}, on copies.`);
  return events;
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? '-' : `${(ms / 1_000).toFixed(1)} s`;
}
