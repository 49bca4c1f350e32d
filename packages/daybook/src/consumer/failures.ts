/** What kind of failure an error is.
 *
 * - `transient`: the same may succeed the next time. It is tried again, a limited number of times.
 * - `permanent`: the same will fail again. It is not tried again.
 * - `unavailable`: something that every event needs is not there. The consumer waits for it, and parks nothing.
 */
export type FailureKind = 'transient' | 'permanent' | 'unavailable';

/** Codes of errors that say that somebody else cannot be reached now. */
const unavailable: ReadonlySet<string> = new Set([
  'disk-full',
  'store-busy',
  'store-unavailable',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'SQLITE_BUSY',
  'SQLITE_LOCKED',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_SOCKET',
  // PostgreSQL: nobody to let in, read only, no permission, no such table, no such database.
  '25006',
  '28000',
  '28P01',
  '3D000',
  '42501',
  '42P01',
  // No space, no memory, too many connections, the disk fails, shutting down, crashed, starting up.
  '53100',
  '53200',
  '53300',
  '58000',
  '58030',
  '57P01',
  '57P02',
  '57P03',
]);

/** SQLite, by the low byte: no permission, busy, locked, read only, the disk fails, full, cannot be opened, refused. */
const unavailableInSqlite: ReadonlySet<number> = new Set([3, 5, 6, 8, 10, 13, 14, 23]);

/** What drivers say without a code: `node:sqlite` of a table that is gone, `pg` of a pool or a connection that is. */
const unavailableWords =
  /^no such table: |^timeout exceeded when trying to connect|^Connection terminated|^Client .* is not queryable$/;

/** Codes of errors that will be the same the next time. */
const permanent: ReadonlySet<string> = new Set(['event-not-json', 'event-damaged', 'event-too-large', 'invalid-event']);

/** How errors are told apart when nobody says otherwise. */
export function failureKind(error: unknown): FailureKind {
  const code = codeOf(error);
  if (code !== undefined && (unavailable.has(code) || code.startsWith('08'))) return 'unavailable';
  if (error instanceof Error && isDatabaseAway(error)) return 'unavailable';
  if (code !== undefined && permanent.has(code)) return 'permanent';
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && cause !== error ? failureKind(cause) : 'transient';
}

function isDatabaseAway(error: Error): boolean {
  const number: unknown = Reflect.get(error, 'errcode');
  return (typeof number === 'number' && unavailableInSqlite.has(number & 0xff)) || unavailableWords.test(error.message);
}

/** Whether a store's error means that perhaps something was written. */
export function isUnknownOutcome(error: unknown): boolean {
  return codeOf(error) === 'unknown-outcome';
}

/** Whether an append was refused because somebody else was first. */
export function isConflict(error: unknown): boolean {
  return codeOf(error) === 'wrong-expected-revision';
}

/** The code that an error carries, if it is an error that does. */
export function codeOf(error: unknown): string | undefined {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** An error in one line, for a status that others read. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.length > 1_000 ? `${text.slice(0, 1_000)}…` : text;
}
