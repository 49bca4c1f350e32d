import { Option, type Command } from 'commander';
import { conditionsOf, lookAtConsumer, type ConsumerLook, type RuleOptions } from 'daybook/consumer';

import { Failure } from '../failure.ts';
import { parseCount, parseDuration } from '../input/parse-options.ts';
import { jsonText } from '../output/json-text.ts';
import type { Begin } from '../program.ts';
import { factsOf } from './consumers.ts';

interface Options {
  readonly maxLag?: string;
  readonly maxLagTime?: string;
  readonly format: 'nagios' | 'prometheus' | 'json';
}

/** `daybook check consumer`: a probe of one consumer. */
export function registerCheckConsumer(check: Command, begin: Begin): void {
  check
    .command('consumer')
    .description('Says how a consumer is: 0 well, 1 with a warning, 2 when it has failed, stalls, or says nothing.')
    .argument('<consumer>')
    .option('--max-lag <events>', 'more events than these may not wait')
    .option('--max-lag-time <duration>', 'the oldest event may not wait for longer')
    .addOption(
      new Option('--format <format>', 'how it is said').choices(['nagios', 'prometheus', 'json']).default('nagios'),
    )
    .action(async (name: string, { maxLag, maxLagTime, format }: Options, command: Command) => {
      const shell = begin(command);
      const rules: RuleOptions = {
        lagEvents: maxLag === undefined ? undefined : parseCount(maxLag, '--max-lag', 0),
        lagMs: maxLagTime === undefined ? undefined : parseDuration(maxLagTime, '--max-lag-time'),
      };
      await using store = await shell.open('existing');
      const nowMs = Date.now();
      const look = await lookAtConsumer(store, name, { nowMs });
      const conditions = conditionsOf(look, rules, nowMs);
      const isCritical = conditions.some(({ severity }) => severity === 'critical');
      const code = isCritical ? 2 : conditions.length > 0 ? 1 : 0;
      const verdict = (['OK', 'WARNING', 'CRITICAL'] as const)[code];
      const summary = conditions.map((each) => each.summary).join(' ') || `${name} is ${look.health}`;
      await shell.terminal.write(`${said(format, look, { verdict, summary, code })}\n`);
      if (code > 0) throw new Failure('check-failed', code, summary);
    });
}

function said(
  format: Options['format'],
  look: ConsumerLook,
  { verdict, summary, code }: { verdict: string; summary: string; code: number },
): string {
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
