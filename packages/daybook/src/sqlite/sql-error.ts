import { DaybookError } from '../store/errors.ts';
import { DiskFull, IndexDamaged, StoreBusy, StoreDamaged, StoreIoError, StoreReadOnly } from './errors.ts';

/** The primary result codes of SQLite that mean something to a caller: https://sqlite.org/rescode.html */
const codes = {
  error: 1,
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  schema: 17,
  constraint: 19,
  mismatch: 20,
  notADatabase: 26,
};

/** The file beside the write-ahead log could not get its 32 KiB: what a disk without any space says first. */
const sharedMemorySize = 4_874;

/** What SQLite threw, as an error with a code of ours. What is not SQLite's stays as it is. */
export function typedError(path: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || cause instanceof DaybookError) return cause;
  const code: unknown = Reflect.get(cause, 'errcode');
  const system: unknown = Reflect.get(cause, 'code');
  if (system === 'ENOSPC') return new DiskFull(path, { cause });
  if (system === 'EACCES' || system === 'EROFS' || system === 'EPERM') return new StoreReadOnly(path, { cause });
  if (system === 'EIO') return new StoreIoError(`The disk that holds ${path} refused to read or write.`, { cause });
  if (typeof code !== 'number') return cause;
  if (code === sharedMemorySize) return new DiskFull(path, { cause });
  switch (code & 0xff) {
    case codes.busy:
    case codes.locked:
      return new StoreBusy(path, { cause });
    case codes.readOnly:
    case codes.cannotOpen:
      return new StoreReadOnly(path, { cause });
    case codes.full:
      return new DiskFull(path, { cause });
    case codes.ioError:
      return new StoreIoError(`The disk that holds ${path} refused to read or write: ${cause.message}.`, { cause });
    // All SQL is fixed, so what SQLite calls wrong with it is wrong with the tables.
    case codes.error:
    case codes.schema:
    case codes.constraint:
    case codes.mismatch:
    case codes.corrupt:
    case codes.notADatabase:
      return new StoreDamaged(path, cause.message, { cause });
    default:
      return cause;
  }
}

/** What a statement that reads or writes only the index threw: SQLite does not say in which file the damage is. */
export function indexError(path: string, cause: unknown): unknown {
  const error = typedError(path, cause);
  return error instanceof StoreDamaged
    ? new IndexDamaged(String(Reflect.get(Object(cause), 'message')), { cause })
    : error;
}

/** The result of `work`, with SQLite's errors as ours. */
export function typed<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw typedError(path, error);
  }
}
