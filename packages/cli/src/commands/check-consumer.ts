import { Option, type Command } from 'commander';
import {
  conditionsOf,
  lookAtConsumer,
  lookAtConsumers,
  type Condition,
  type ConsumerLook,
  type RuleOptions,
} from 'daybook/consumer';

import { expectedConsumers } from '../config/expected-consumers.ts';
import { defaultConfig, findConfig } from '../config/load-config.ts';
import { Failure, notFound } from '../failure.ts';
import { parseCount, parseDuration } from '../input/parse-options.ts';
import { jsonText } from '../output/json-text.ts';
import type { Begin } from '../program.ts';
import { factsOf } from './consumers.ts';

interface Options {
  readonly maxLag?: string;
  readonly maxLagTime?: string;
  readonly format: 'nagios' | 'prometheus' | 'json';
  readonly config?: string | false;
}

/** What a probe has found out about one consumer. */
interface Verdict {
  readonly look: ConsumerLook;
  readonly code: 0 | 1 | 2;
  readonly summary: string;
}

/** `daybook check consumer`: a probe of one consumer, or of all. */
export function registerCheckConsumer(check: Command, begin: Begin): void {
  check
    .command('consumer')
    .description(
      'Says how a consumer is: 0 well, 1 with a warning, 2 when it has failed, stalls, or says nothing. Without a ' +
        `name: all that have ever run, and those that ${defaultConfig} names.`,
    )
    .argument('[consumer]')
    .option('--max-lag <events>', 'more events than these may not wait')
    .option('--max-lag-time <duration>', 'the oldest event may not wait for longer')
    .option('--config <module>', 'the module that names those that have to be there')
    .option('--no-config', 'look at the log alone')
    .addOption(
      new Option('--format <format>', 'how it is said').choices(['nagios', 'prometheus', 'json']).default('nagios'),
    )
    .action(async (name: string | undefined, options: Options, command: Command) => {
      const { maxLag, maxLagTime, format } = options;
      const shell = begin(command);
      const rules: RuleOptions = {
        lagEvents: maxLag === undefined ? undefined : parseCount(maxLag, '--max-lag', 0),
        lagMs: maxLagTime === undefined ? undefined : parseDuration(maxLagTime, '--max-lag-time'),
        databaseAwayMs: 0, // It looks once.
      };
      const config = await findConfig(options);
      await using store = await shell.open('existing');
      const nowMs = Date.now();
      const expect = await expectedConsumers(config, store);
      const looks =
        name === undefined
          ? await lookAtConsumers(store, { nowMs, expect })
          : [await lookAtConsumer(store, name, { nowMs, expected: expect.find((each) => each.name === name) })];
      if (looks.length === 0) {
        throw notFound(`There is no consumer to check: none has ever run here, and ${defaultConfig} names none.`);
      }
      const verdicts = looks
        .map((look) => verdictOn(look, conditionsOf(look, rules, nowMs)))
        .toSorted((a, b) => b.code - a.code); // What is worst is read first, and often alone.
      await shell.terminal.write(`${verdicts.map((verdict) => said(format, verdict)).join('\n')}\n`);
      const code = Math.max(...verdicts.map((verdict) => verdict.code)) as Verdict['code']; // One of theirs.
      const wrong = verdicts.filter((verdict) => verdict.code > 0).map(({ summary }) => summary);
      if (code > 0) throw new Failure('check-failed', code, wrong.join(' '));
    });
}

function verdictOn(look: ConsumerLook, conditions: readonly Condition[]): Verdict {
  const isCritical = conditions.some(({ severity }) => severity === 'critical');
  return {
    look,
    code: isCritical ? 2 : conditions.length > 0 ? 1 : 0,
    summary: conditions.map((each) => each.summary).join(' ') || `${look.consumer} is ${look.health}`,
  };
}

function said(format: Options['format'], { look, summary, code }: Verdict): string {
  const verdict = (['OK', 'WARNING', 'CRITICAL'] as const)[code];
  const { consumer, lagEvents, oldestAgeMs, heartbeatAgeMs, parkedEvents } = look;
  switch (format) {
    case 'json':
      return jsonText({ verdict, summary, ...factsOf(look) });
    case 'prometheus': {
      const label = `{consumer="${consumer}"}`;
      return [
        `daybook_consumer_verdict${label} ${code}`,
        `daybook_consumer_lag_events${label} ${lagEvents}`,
        `daybook_consumer_oldest_seconds${label} ${oldestAgeMs / 1_000}`,
        `daybook_consumer_parked_events${label} ${parkedEvents}`,
        ...(heartbeatAgeMs === undefined
          ? []
          : [`daybook_consumer_heartbeat_seconds${label} ${heartbeatAgeMs / 1_000}`]),
      ].join('\n');
    }
    case 'nagios':
      return `${verdict}: ${summary} | lag=${lagEvents} oldest=${oldestAgeMs}ms parked=${parkedEvents}`;
    default:
      return format satisfies never;
  }
}
