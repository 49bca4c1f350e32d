import type { Command } from 'commander';
import { lookAtConsumer, lookAtConsumers, NoSuchConsumer, spoken, type ConsumerLook } from 'daybook/consumer';

import { expectedConsumers } from '../config/expected-consumers.ts';
import { defaultConfig, findConfig, type ConfigOptions } from '../config/load-config.ts';
import { counted } from '../output/counted.ts';
import { jsonText } from '../output/json-text.ts';
import type { Column } from '../output/print-rows.ts';
import type { Begin } from '../program.ts';
import { registerConsumersControl } from './consumers-control.ts';
import { registerConsumersParked } from './consumers-parked.ts';

const columns: readonly Column<ConsumerLook>[] = [
  { title: 'CONSUMER', text: ({ consumer }) => consumer },
  { title: 'STATE', text: ({ health }) => health },
  { title: 'BEHIND', align: 'right', text: ({ lagEvents }) => String(lagEvents) },
  { title: 'OLDEST', align: 'right', text: ({ oldest, oldestAgeMs }) => (oldest ? spoken(oldestAgeMs) : '') },
  {
    title: 'HEARTBEAT',
    align: 'right',
    text: ({ heartbeatAgeMs }) => (heartbeatAgeMs === undefined ? 'never' : spoken(heartbeatAgeMs)),
  },
  { title: 'PARKED', align: 'right', text: ({ parkedEvents }) => String(parkedEvents) },
  { title: 'WHY', text: whyOf },
];

/** `daybook consumers …`: the services that follow this log. */
export function registerConsumers(program: Command, begin: Begin): void {
  const consumers = program
    .command('consumers')
    .summary('list and steer consumers')
    .description('Lists the consumers of a store, and steers them: from the log alone.');
  consumers
    .command('ls', { isDefault: true })
    .description(
      'Lists the consumers: state, events behind, age of the oldest one, last heartbeat, parked events. Those that ' +
        `${defaultConfig} names are listed even if nobody has ever started them.`,
    )
    .option('--config <module>', 'the module that names those that have to be there')
    .option('--no-config', 'look at the log alone')
    .action(async (options: ConfigOptions, command: Command) => {
      const shell = begin(command);
      const config = await findConfig(options);
      await using store = await shell.open('existing');
      const expect = await expectedConsumers(config, store);
      const looks = await lookAtConsumers(store, { nowMs: Date.now(), expect });
      const rows = (async function* page() {
        if (looks.length > 0) yield looks;
      })();
      const count = await shell.print({ rows, columns, json: (look) => jsonText(factsOf(look)) });
      if (shell.format === 'table') shell.say(counted(count, 'consumer'));
    });
  consumers
    .command('show')
    .description('Says all that is known about a consumer, or a read model.')
    .argument('<consumer>')
    .option('--config <module>', 'the module that names those that have to be there')
    .option('--no-config', 'look at the log alone')
    .action(async (name: string, options: ConfigOptions, command: Command) => {
      const shell = begin(command);
      const config = await findConfig(options);
      await using store = await shell.open('existing');
      const expected = (await expectedConsumers(config, store)).find((each) => each.name === name);
      const look = await lookAtConsumer(store, name, { nowMs: Date.now(), expected });
      if (look.status === undefined && look.sources.length === 0) throw new NoSuchConsumer(name);
      await shell.printOne(factsOf(look));
    });
  registerConsumersControl(consumers, begin);
  registerConsumersParked(consumers, begin);
}

/** A look as data: what stays the same from release to release. */
export function factsOf(look: ConsumerLook): Readonly<Record<string, unknown>> {
  const { status, oldest, pause } = look;
  return {
    consumer: look.consumer,
    kind: status?.kind,
    state: look.health,
    since: status?.since,
    reason: status?.reason,
    error: status?.error,
    attempts: status?.attempts,
    behindEvents: look.lagEvents,
    oldest: oldest && { event: `${oldest.revision}@${oldest.stream}`, type: oldest.type, id: oldest.id },
    oldestAgeMs: oldest && look.oldestAgeMs,
    heartbeatAgeMs: look.heartbeatAgeMs,
    sources: look.sources.map(({ stream, pos, end, lagEvents }) => ({ stream, pos, end, behindEvents: lagEvents })),
    pausedUntil: pause?.until.toISOString(),
    pausedBy: pause?.who,
    pausedWhy: pause?.why,
    parkedStreams: look.parkedStreams,
    parkedEvents: look.parkedEvents,
    ratePerSecond: status?.ratePerSecond,
    etaMs: status?.etaMs,
    busyWith: status?.busyWith,
    busyMs: status?.busyMs,
    host: status?.host,
    version: status?.version,
    databaseAway: look.database !== undefined && 'error' in look.database ? look.database.error : undefined,
    freshnessMs: look.freshnessMs,
  };
}

function whyOf({ pause, status, health }: ConsumerLook): string {
  if (pause !== undefined) return `${pause.who} until ${pause.until.toISOString()}: ${pause.why}`;
  if (health === 'silent') return `on ${status?.host}, was ${status?.state}`;
  return status?.error ?? status?.reason ?? '';
}
