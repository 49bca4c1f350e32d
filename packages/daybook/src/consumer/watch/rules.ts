import { awayIn, placesIn } from './database-answer.ts';
import { harmonyConditions } from './harmony-rules.ts';
import type { ConsumerLook } from './look-at-consumers.ts';
import { lagSight, whoSaysPlaces } from './sight.ts';
import { spoken } from './spoken.ts';

/** What an alert can be about. */
export type AlertRule =
  | 'failed'
  | 'silent'
  | 'stalled'
  | 'never-started'
  | 'stopped'
  | 'retrying'
  | 'parked'
  | 'lag'
  | 'checkpoint-ahead'
  | 'database-away'
  | 'drifted'
  | 'unchecked'
  | 'watch-failed';

/** Something that is not as it should be. */
export interface Condition {
  /** What stays one alert, although the rule may change: an outage begins as retries and becomes a stall. */
  readonly key: string;
  readonly rule: AlertRule;
  readonly consumer: string | undefined;
  readonly severity: 'critical' | 'warning';
  /** A sentence that names the consumer, the event that waits, its age, and the error. */
  readonly summary: string;
  readonly facts: Readonly<Record<string, string | number>>;
  /** What a watch must look with to see this, besides the log. Only one that does says when it is over. */
  readonly needs?: readonly string[] | undefined;
}

/** When rules speak. */
export interface RuleOptions {
  /** A consumer tries again for so long before somebody is told. Default: 25,000. */
  readonly retryingMs?: number | undefined;
  /** More events than these may not wait, even if they move. Default: any number may. */
  readonly lagEvents?: number | undefined;
  /** The oldest one may not wait for longer, even if they move. Default: any time. */
  readonly lagMs?: number | undefined;
  /**
   * A read model may go for so long without being compared with its log. Default: what whoever compares it continuously
   * says; one that nobody does may go for ever.
   */
  readonly unverifiedMs?: number | undefined;
  /** The database of a read model may say nothing to the watch for so long. Default: 25,000. */
  readonly databaseAwayMs?: number | undefined;
}

/** Conditions of a read model that depend on who says how far it is. */
const aboutPlaces: ReadonlySet<AlertRule> = new Set(['stalled', 'stopped', 'checkpoint-ahead', 'database-away', 'lag']);

/** What is wrong with a consumer, if anything is. */
export function conditionsOf(look: ConsumerLook, options: RuleOptions, nowMs: number): readonly Condition[] {
  const found: Condition[] = [];
  const health = healthRule(look, options, nowMs);
  if (health !== undefined) found.push(conditionOf(look, health, { group: 'health' }));
  if (look.parkedEvents > 0) found.push(conditionOf(look, 'parked', { group: 'parked' }));
  const { lagEvents = Infinity, lagMs = Infinity } = options;
  const isLate = Number(look.lagEvents) > lagEvents || look.oldestAgeMs > lagMs;
  if (isLate && health === undefined && look.pause === undefined) {
    found.push(conditionOf(look, 'lag', { group: 'lag', needs: [lagSight(options)] }));
  }
  return [...found, ...harmonyConditions(look, options, nowMs)];
}

/** What is wrong with its health. A database that says nothing is told of only when nothing else is wrong. */
function healthRule(look: ConsumerLook, options: RuleOptions, nowMs: number): keyof typeof sentences | undefined {
  const rule = ownHealthRule(look, options, nowMs);
  const away = awayIn(look.database);
  if (rule !== undefined || away === undefined) return rule;
  const { databaseAwayMs = 25_000 } = options;
  return Math.max(0, nowMs - away.sinceMs) >= databaseAwayMs ? 'database-away' : undefined;
}

function ownHealthRule(
  look: ConsumerLook,
  { retryingMs = 25_000 }: RuleOptions,
  nowMs: number,
): keyof typeof sentences | undefined {
  const { health, status, oldestAgeMs, freshnessMs } = look;
  if (look.sources.some(({ pos, end }) => pos > end)) return 'checkpoint-ahead';
  switch (health) {
    case 'failed':
    case 'silent':
    case 'stalled':
    case 'never-started':
      return health;
    case 'stopped':
      // Whoever stops it on purpose starts it again before anything waits for too long.
      return oldestAgeMs > freshnessMs ? 'stopped' : undefined;
    case 'retrying':
      return nowMs - Date.parse(status?.since ?? '') >= retryingMs ? 'retrying' : undefined;
    case 'live':
    case 'catching-up':
    case 'paused':
      return undefined;
    default:
      return health satisfies never;
  }
}

const sentences: Readonly<Record<Exclude<AlertRule, 'drifted' | 'unchecked'>, string>> = {
  failed: 'has failed and waits for a person',
  silent: 'says nothing any more',
  stalled: 'lives, and does not move',
  'never-started': 'was never started',
  stopped: 'was stopped, and events wait for it',
  retrying: 'fails, and tries again',
  parked: 'has parked events',
  lag: 'is behind',
  'checkpoint-ahead': 'has a checkpoint behind the end of the log',
  'database-away': 'has a database that does not say how far it is',
  'watch-failed': 'cannot be watched',
};

function conditionOf(
  look: ConsumerLook,
  rule: keyof typeof sentences,
  { group, needs = [] }: { readonly group: string; readonly needs?: readonly string[] },
): Condition {
  const { consumer, status, oldest, oldestAgeMs, heartbeatAgeMs, lagEvents, sources, parkedStreams, parkedEvents } =
    look;
  const parts = [
    ...(rule === 'parked' ? [`${parkedEvents} events of ${parkedStreams} streams`] : []),
    ...(heartbeatAgeMs === undefined ? [] : [`last heartbeat ${spoken(heartbeatAgeMs)} ago`]),
    ...sources.map(({ stream, pos }) => `last handled ${pos < 0n ? 'none' : pos} of ${stream}`),
    ...(oldest === undefined
      ? []
      : [`${oldest.type} ${oldest.revision}@${oldest.stream} waits for ${spoken(oldestAgeMs)}, ${lagEvents} in all`]),
    ...falseClaims(look),
    ...(status?.error === undefined ? [] : [status.error]),
    ...(awayIn(look.database) === undefined ? [] : [`its database: ${awayIn(look.database)?.error}`]),
  ];
  return {
    key: `${consumer}/${group}`,
    rule,
    consumer,
    severity: rule === 'parked' || rule === 'lag' || rule === 'retrying' ? 'warning' : 'critical',
    summary: `${consumer} ${sentences[rule]}: ${parts.join('; ')}`,
    facts: {
      lagEvents: Number(lagEvents),
      oldestAgeMs,
      ...(oldest !== undefined && { oldestEvent: `${oldest.revision}@${oldest.stream}`, oldestType: oldest.type }),
      ...(heartbeatAgeMs !== undefined && { heartbeatAgeMs }),
      ...(status !== undefined && { host: status.host, state: status.state }),
      ...(status?.attempts !== undefined && { attempts: status.attempts }),
      ...(status?.error !== undefined && { error: status.error }),
    },
    needs: aboutPlaces.has(rule) ? [...needs, ...whoSaysPlaces(look)] : needs,
  };
}

/** What its heartbeat says, and its database does not. */
function falseClaims({ database, status, sources }: ConsumerLook): readonly string[] {
  if (placesIn(database) === undefined) return [];
  return sources.flatMap(({ stream, pos }) => {
    const claim = status?.sources.find((each) => each.stream === stream)?.pos;
    return claim === undefined || BigInt(Math.trunc(claim)) === pos ? [] : [`its heartbeat says ${claim}`];
  });
}
