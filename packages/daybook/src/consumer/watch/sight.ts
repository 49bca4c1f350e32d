import { placesIn } from './database-answer.ts';
import type { ConsumerLook } from './look-at-consumers.ts';
import type { RuleOptions } from './rules.ts';

/** Of those who ask the database of a read model, whether it answers or not. */
export const asking = 'asking';

/** Who may say how far a read model is. */
export const aboutWhoSaysPlaces: ReadonlySet<string> = new Set(['database', 'heartbeat']);

/** What a watch looks at a consumer with, besides the log: watches on one log differ in it. */
export function sightOf(look: ConsumerLook, options: RuleOptions): ReadonlySet<string> {
  return new Set([
    placesIn(look.database) ? 'database' : 'heartbeat',
    ...(look.database === undefined ? [] : [asking]),
    lagSight(options),
    unverifiedSight(options),
  ]);
}

/** Of those who have limits of their own for lag. */
export function lagSight({ lagEvents = Infinity, lagMs = Infinity }: RuleOptions): string {
  return `lag ${lagEvents} events ${lagMs} ms`;
}

/** The same for the age of the last comparison. */
export function unverifiedSight({ unverifiedMs = Infinity }: RuleOptions): string {
  return `unverified ${unverifiedMs} ms`;
}

/** Of a consumer the log itself says how far it is, to everybody. */
export function whoSaysPlaces({ database, status }: ConsumerLook): readonly string[] {
  if (database !== undefined) return ['database'];
  return status?.kind === 'read-model' ? ['heartbeat'] : [];
}
