import { Option, type Command } from 'commander';
import type { ReadModelLook } from 'daybook/read-model';

import { Failure } from '../failure.ts';
import { parseCount, parseDuration } from '../input/parse-options.ts';
import { withModel } from '../model/with-model.ts';
import { jsonText } from '../output/json-text.ts';
import type { Begin } from '../program.ts';
import { factsOf, stateOf } from './model.ts';

interface Options {
  readonly config?: string;
  readonly maxLag?: string;
  readonly maxLagTime: string;
  readonly maxUnverified?: string;
  readonly format: 'nagios' | 'prometheus' | 'json';
}

/** What may be, and since when it may not have been otherwise. */
interface Limits {
  readonly lagEvents: number;
  readonly lagMs: number;
  readonly unverifiedMs: number;
  readonly nowMs: number;
}

/** `daybook check model`: a probe of one read model, whether or not its process is there. */
export function registerCheckModel(check: Command, begin: Begin): void {
  check
    .command('model')
    .description('Says how a read model is: 0 well, 1 with a warning, 2 when it has failed, lags, or lost its log.')
    .argument('<model>')
    .option('--config <module>', 'the module that names it')
    .option('--max-lag <events>', 'more events than these may not wait')
    .option('--max-lag-time <duration>', 'the oldest event may not wait for longer', '60s')
    .option('--max-unverified <duration>', 'it was compared with the log, and agreed, within this time')
    .addOption(
      new Option('--format <format>', 'how it is said').choices(['nagios', 'prometheus', 'json']).default('nagios'),
    )
    .action(async (name: string, options: Options, command: Command) => {
      const shell = begin(command);
      const { lookAtReadModel } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
      const { config, format } = options;
      const limits = limitsOf(options);
      await withModel(shell, { name, ...(config !== undefined && { config }) }, async ({ store, model, db }) => {
        const look = await lookAtReadModel(store, model, { db });
        const problems = problemsOf(look, limits);
        const code = problems.some(({ severity }) => severity === 2) ? 2 : problems.length > 0 ? 1 : 0;
        const summary = problems.map((each) => each.summary).join(' ') || `${name} is ${stateOf(look)}`;
        await shell.terminal.write(`${said(format, look, { summary, code })}\n`);
        if (code > 0) throw new Failure('check-failed', code, summary);
      });
    });
}

function limitsOf({ maxLag, maxLagTime, maxUnverified }: Options): Limits {
  return {
    lagEvents: maxLag === undefined ? Infinity : parseCount(maxLag, '--max-lag', 0),
    lagMs: parseDuration(maxLagTime, '--max-lag-time'),
    unverifiedMs: maxUnverified === undefined ? Infinity : parseDuration(maxUnverified, '--max-unverified'),
    nowMs: Date.now(),
  };
}

function problemsOf(
  look: ReadModelLook,
  { lagEvents, lagMs, unverifiedMs, nowMs }: Limits,
): readonly { readonly severity: 1 | 2; readonly summary: string }[] {
  const { model, logRestored, status, verifiedAt } = look;
  const waits = `${look.lagEvents} events wait, the oldest for ${Math.round(look.lagMs / 1_000)} s.`;
  const unverified = nowMs - (verifiedAt?.getTime() ?? 0);
  return [
    ...(logRestored === undefined ? [] : [{ severity: 2 as const, summary: logRestored.message }]),
    ...(status?.state === 'failed'
      ? [{ severity: 2 as const, summary: `${model} has failed: ${status.error ?? 'nobody knows why'}.` }]
      : []),
    ...(look.position === undefined && look.lagEvents > 0
      ? [{ severity: 2 as const, summary: `${model} has never run, and ${waits}` }]
      : []),
    ...(look.lagEvents > lagEvents || look.lagMs > lagMs
      ? [{ severity: 2 as const, summary: `${model} is behind: ${waits}` }]
      : []),
    ...(look.harmony !== undefined && look.harmony.differing > 0
      ? [{ severity: 2 as const, summary: `${model} differs from the log in ${look.harmony.differing} rows.` }]
      : []),
    ...(look.needsRebuild ? [{ severity: 1 as const, summary: `${model} was built by other code: rebuild it.` }] : []),
    ...(unverified > unverifiedMs
      ? [
          {
            severity: 1 as const,
            summary: `${model} agreed with the log last ${verifiedAt?.toISOString() ?? 'never'}.`,
          },
        ]
      : []),
  ];
}

function said(
  format: Options['format'],
  look: ReadModelLook,
  { summary, code }: { readonly summary: string; readonly code: 0 | 1 | 2 },
): string {
  const verdict = (['OK', 'WARNING', 'CRITICAL'] as const)[code];
  switch (format) {
    case 'json':
      return jsonText({ verdict, summary, ...factsOf(look) });
    case 'prometheus': {
      const label = `{model="${look.model}"}`;
      const verified = look.verifiedAt === undefined ? 0 : look.verifiedAt.getTime() / 1_000;
      return [
        `daybook_read_model_verdict${label} ${code}`,
        `daybook_read_model_lag_events${label} ${look.lagEvents}`,
        `daybook_read_model_lag_seconds${label} ${look.lagMs / 1_000}`,
        `daybook_read_model_last_check_timestamp_seconds${label} ${verified}`,
      ].join('\n');
    }
    case 'nagios':
      return `${verdict}: ${summary} | lag=${look.lagEvents} oldest=${look.lagMs}ms`;
    default:
      return format satisfies never;
  }
}
