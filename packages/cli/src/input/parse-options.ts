import { revision, type ExpectedRevision, type Revision } from 'daybook';

import { usage } from '../failure.ts';

const largest = 2n ** 63n - 1n;

/** `any`, `no-stream`, `stream-exists`, or a revision. */
export function parseExpected(text: string): ExpectedRevision {
  if (text === 'any' || text === 'no-stream' || text === 'stream-exists') return text;
  const at = counter(text);
  if (at !== undefined) return revision(at);
  throw usage(`--expected ${text} says nothing: give any, no-stream, stream-exists, or a revision such as 16.`);
}

/** `start`, `end`, or a number of a place in a stream or a log. */
export function parsePlace(text: string, option: string): bigint | 'start' | 'end' {
  if (text === 'start' || text === 'end') return text;
  const at = counter(text);
  if (at !== undefined) return at;
  throw usage(`${option} ${text} is no place: give start, end, or a number.`);
}

/** A revision. */
export function parseRevision(text: string, option: string): Revision {
  const at = counter(text);
  if (at !== undefined) return revision(at);
  throw usage(`${option} ${text} is no revision: give a number such as 16.`);
}

/** A whole number from `least` on. */
export function parseCount(text: string, option: string, least = 1): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count >= least) return count;
  throw usage(`${option} ${text} is no number of things: give a whole number from ${least} on.`);
}

/** A port, or 0 for any that is free. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw usage(`--port ${text} is no port: give a number from 0 to 65535.`);
}

/** A revision, or what `parseTime` takes: up to where events count. */
export function parseAsOf(text: string, option: string): { readonly revision: Revision } | { readonly time: Date } {
  const at = counter(text);
  return at === undefined ? { time: parseTime(text, option) } : { revision: revision(at) };
}

/** How long something takes, in milliseconds: `500ms`, `30s`, `15m`, `2h`, `8d`. */
export function parseDuration(text: string, option: string): number {
  const durationMs = duration(text);
  if (durationMs !== undefined) return durationMs;
  throw usage(`${option} ${text} is no duration: give 30s, 15m, 2h or 8d.`);
}

/** How often something is done: a duration that is not 0. */
export function parseInterval(text: string, option: string): number {
  const intervalMs = parseDuration(text, option);
  if (intervalMs > 0) return intervalMs;
  throw usage(`${option} ${text} leaves no time in between: give 1ms or more, such as 5s.`);
}

/** A day or a time in ISO 8601, in UTC unless it says otherwise, or how long ago: `30s`, `15m`, `2h`, `8d`. */
export function parseTime(text: string, option: string): Date {
  const agoMs = duration(text);
  if (agoMs !== undefined) return new Date(Date.now() - agoMs);
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/i.test(text) || /^\d{4}-\d\d-\d\d$/.test(text);
  const time = new Date(hasZone ? text : `${text}Z`);
  if (/^\d{4}-\d\d/.test(text) && Number.isFinite(time.getTime())) return time;
  throw usage(
    `${option} ${text} is no time: give 2026-11-23, 2026-11-23T10:00:00Z, or how long ago, such as 2h or 8d.`,
  );
}

/** Throws unless `text` is a UUID. */
export function checkUuid(text: string, option: string): string {
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text;
  throw usage(`${option} ${text} is not a UUID. One looks like ${crypto.randomUUID()}; leave it out to get a new one.`);
}

/** The values of an option that may be given again: one each, so that no word behind it is taken for one more. */
export function collected(value: string, values: readonly string[] = []): readonly string[] {
  return [...values, value];
}

function duration(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,9})(ms|[smhd])$/.exec(text) ?? [];
  if (count === undefined) return undefined;
  const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit] ?? 0;
  return Number(count) * unitMs;
}

function counter(text: string): bigint | undefined {
  if (!/^\d{1,19}$/.test(text)) return undefined;
  const value = BigInt(text);
  return value <= largest ? value : undefined;
}
