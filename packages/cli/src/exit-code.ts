/**
 * How a command ends: 0 done · 1 failed · 2 usage · 3 not found · 4 conflict · 5 denied · 6 unavailable · 7 unknown
 * outcome · 8 a check failed · 9 damaged data · 10 refused · 74 I/O error · 130 interrupted.
 */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 74 | 130;

const exitCodes: Readonly<Record<string, ExitCode>> = {
  'access-control-missing': 10,
  'access-denied': 5,
  'append-too-large': 2,
  'backup-exists': 10,
  'checkpoint-ahead-of-log': 4,
  'checkpoint-collision': 4,
  'checkpoint-mismatch': 4,
  'checkpoint-missing': 4,
  'checkpoint-of-other-log': 4,
  'disk-full': 74,
  'event-damaged': 9,
  'event-too-large': 2,
  'index-damaged': 6,
  'invalid-event': 2,
  'invalid-option': 2,
  'invalid-read-model': 2,
  'invalid-stream-name': 2,
  'io-error': 74,
  'log-regressed': 9,
  'log-restored': 9,
  'newer-format': 10,
  'no-checkpoint': 3,
  'no-such-consumer': 3,
  'not-a-store': 3,
  'not-located': 9,
  'not-supported': 2,
  'nothing-parked': 3,
  'nothing-to-switch-back': 3,
  'port-in-use': 6,
  'read-model-in-use': 6,
  'read-model-missing': 3,
  'read-only-stream': 2,
  'rebuild-not-proven': 8,
  'setting-refused': 74,
  'store-busy': 6,
  'store-closed': 6,
  'store-damaged': 9,
  'store-read-only': 74,
  'store-unavailable': 6,
  'stream-deleted': 4,
  'stream-tombstoned': 4,
  'unknown-outcome': 7,
  'wrong-expected-revision': 4,
};

/** File errors of the operating system that say more than "failed". */
const fileErrors: Readonly<Record<string, ExitCode>> = {
  EACCES: 74,
  EADDRINUSE: 6,
  EDQUOT: 74,
  EIO: 74,
  EISDIR: 2,
  ENOENT: 3,
  ENOSPC: 74,
  ENOTDIR: 2,
  EPERM: 74,
  EROFS: 74,
};

/** The exit code for an error with this code. */
export function exitCodeOf(code: string): ExitCode {
  return exitCodes[code] ?? fileErrors[code] ?? 1;
}
