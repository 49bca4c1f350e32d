import { randomUUID } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { aloneWith, readHeader } from './bare-connection.ts';
import { LogConnection } from './connection.ts';
import { NewerFormat, NotAStore, StoreDamaged } from './errors.ts';
import { applicationId, newestFormat } from './migrations/log-formats.ts';
import { typed, typedError } from './sql-error.ts';
import { isEmpty, makeWhole, remove } from './whole-file.ts';

/** The oldest SQLite that is safe here: older ones can lose a reset write-ahead log. */
const oldestSqlite = [3, 51, 3] as const;

/**
 * The log at a path, for writing. Makes it when it is not there and may be made, and makes the newest format of an older
 * one. Touches no file that is not ours.
 */
export function openLog(path: string, options: { missing: 'create' | 'refuse'; busyTimeoutMs: number }): LogConnection {
  return typed(path, () => {
    if (!existsSync(path) || isEmpty(path)) {
      if (options.missing === 'refuse') throw new NotAStore(path, 'there is no file');
      createLog(path, options.busyTimeoutMs);
    }
    checkHeader(path);
    const log = new LogConnection(path, options);
    try {
      log.settle();
      checkVersion(log);
      migrate(path, log);
      return log;
    } catch (error) {
      log[Symbol.dispose]();
      throw error;
    }
  });
}

function migrate(path: string, log: LogConnection): void {
  if (log.format() < newestFormat) {
    log.migrate();
    log.checkpoint(); // Whoever knows only older formats looks at the header first.
  }
  checkFormat(path, log.format()); // A newer one may stand in the write-ahead file, and not in the header yet.
}

function createLog(path: string, busyTimeoutMs: number): void {
  if (!existsSync(dirname(path))) throw new NotAStore(path, `there is no folder ${dirname(path)}`);
  if (existsSync(`${path}-wal`) && !existsSync(path)) {
    throw new NotAStore(path, 'it is gone, and only its write-ahead file is still there');
  }
  if (isEmpty(path)) {
    aloneWith(path, () => {
      if (isEmpty(path)) remove(path);
    });
  }
  makeWhole(path, (draft) => {
    using log = new LogConnection(draft, { busyTimeoutMs });
    log.create(randomUUID());
  });
}

/**
 * Looks at the file before it may be written to. SQLite reads it, not we: to close a descriptor of our own would drop
 * the locks that another store of this process holds on the file.
 */
export function checkHeader(path: string): void {
  const stat = statSync(path);
  if (!stat.isFile()) throw new NotAStore(path, 'it is not a file');
  const { applicationId: found, format } = headerOf(path);
  if (found !== applicationId) throw new NotAStore(path, 'it is a SQLite file of something else');
  checkFormat(path, format);
}

function checkFormat(path: string, format: number): void {
  if (format > newestFormat) throw new NewerFormat(path, format, newestFormat);
}

function headerOf(path: string): { readonly applicationId: number; readonly format: number } {
  try {
    return readHeader(path);
  } catch (cause) {
    const error = typedError(path, cause);
    if (error instanceof StoreDamaged) throw new NotAStore(path, 'it is not a SQLite file', { cause });
    throw error;
  }
}

function checkVersion(log: LogConnection): void {
  const version = log.sqliteVersion().split('.').map(Number);
  const [major = 0, minor = 0, patch = 0] = version;
  const [oldMajor, oldMinor, oldPatch] = oldestSqlite;
  if (value(major, minor, patch) < value(oldMajor, oldMinor, oldPatch)) {
    throw new TypeError(`SQLite ${version.join('.')} is too old: ${oldestSqlite.join('.')} is needed. Use Node 24.`);
  }
}

function value(major: number, minor: number, patch: number): number {
  return major * 1_000_000 + minor * 1_000 + patch;
}
