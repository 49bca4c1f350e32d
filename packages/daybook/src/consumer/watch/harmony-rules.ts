import type { Harmony } from '../harmony.ts';
import type { ConsumerLook } from './look-at-consumers.ts';
import type { Condition, RuleOptions } from './rules.ts';
import { unverifiedSight } from './sight.ts';
import { spoken } from './spoken.ts';

/** Rows that a sentence names. */
const namedRows = 3;

/** What is wrong with the harmony of a read model and its log. */
export function harmonyConditions(
  { consumer, status, harmony }: ConsumerLook,
  options: RuleOptions,
  nowMs: number,
): readonly Condition[] {
  if (status?.kind !== 'read-model') return [];
  const allowedMs = options.unverifiedMs ?? harmony?.unverifiedMs ?? Infinity;
  const ageMs = harmony?.verifiedAt === undefined ? Infinity : Math.max(0, nowMs - Date.parse(harmony.verifiedAt));
  const age = ageMs === Infinity ? 'never compared' : `compared ${spoken(ageMs)} ago`;
  const facts = { ...(ageMs !== Infinity && { verifiedAgeMs: ageMs }), ...factsOf(harmony) };
  const found: Condition[] = [];
  if (harmony !== undefined && harmony.differing > 0) {
    const parts = [`${harmony.differing} of ${harmony.rows} rows`, ...namesOf(harmony), age];
    const summary = `${consumer} differs from its log: ${parts.join('; ')}`;
    found.push({ key: `${consumer}/drifted`, rule: 'drifted', consumer, severity: 'critical', summary, facts });
  }
  if (ageMs > allowedMs) {
    const parts = [age, ...(harmony?.problem === undefined ? [] : [harmony.problem])];
    const summary = `${consumer} is not compared with its log any more: ${parts.join('; ')}`;
    const needs = options.unverifiedMs === undefined ? [] : [unverifiedSight(options)];
    found.push({
      key: `${consumer}/unchecked`,
      rule: 'unchecked',
      consumer,
      severity: 'warning',
      summary,
      facts,
      needs,
    });
  }
  return found;
}

function namesOf({ drift }: Harmony): readonly string[] {
  return drift.slice(0, namedRows).map(({ table, key, class: kind, since }) => {
    const row = `${kind} in ${table} ${Object.values(key).map(String).join(' ')}`;
    return since === undefined ? row : `${row} since ${since}`;
  });
}

function factsOf(harmony: Harmony | undefined): Readonly<Record<string, string | number>> {
  if (harmony === undefined) return {};
  const { differing, rows, verifiedRows, problem } = harmony;
  return { differing, rows, verifiedRows, ...(problem !== undefined && { error: problem }) };
}
