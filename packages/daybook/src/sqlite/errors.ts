import { DaybookError } from '../store/errors.ts';

/** There is no store at the path, or what is there is something else. It was not touched. */
export class NotAStore extends DaybookError {
  override readonly name = 'NotAStore';
  readonly code = 'not-a-store';
  readonly path: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path} is not a Daybook store: ${reason}.`, options);
    this.path = path;
  }
}

/** The file was written by a newer Daybook. It was not touched. */
export class NewerFormat extends DaybookError {
  override readonly name = 'NewerFormat';
  readonly code = 'newer-format';
  readonly path: string;
  readonly found: number;
  readonly newestKnown: number;

  constructor(path: string, found: number, newestKnown: number) {
    super(`${path} has format ${found}, and this Daybook knows formats up to ${newestKnown}. Upgrade Daybook.`);
    this.path = path;
    this.found = found;
    this.newestKnown = newestKnown;
  }
}

/** The log ends before an event that was acknowledged: the file was damaged, or replaced by an older one. */
export class LogRegressed extends DaybookError {
  override readonly name = 'LogRegressed';
  readonly code = 'log-regressed';
  readonly path: string;

  constructor(path: string, ends: bigint, acknowledged: bigint) {
    super(
      `${path} ends at position ${ends}, but the event at position ${acknowledged} was acknowledged: the file is damaged ` +
        `or was replaced by an older one. Put the right file back, or take it as it is with 'daybook backup restore'.`,
    );
    this.path = path;
  }
}

/** The index is not what was written. The log is not touched by it, and the index is being built again from the log. */
export class IndexDamaged extends DaybookError {
  override readonly name = 'IndexDamaged';
  readonly code = 'index-damaged';
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super(`The index is damaged: ${reason}. The log is not, and the index is built again from it. Try again.`, options);
    this.reason = reason;
  }
}

/** The disk is full. Nothing was written; reads go on, and appends too as soon as there is space. */
export class DiskFull extends DaybookError {
  override readonly name = 'DiskFull';
  readonly code = 'disk-full';

  constructor(path: string, options?: ErrorOptions) {
    super(`The disk that holds ${path} is full. Nothing was written. Free some space and append again.`, options);
  }
}

/** The file, or the folder it is in, cannot be written to. Nothing was written. */
export class StoreReadOnly extends DaybookError {
  override readonly name = 'StoreReadOnly';
  readonly code = 'store-read-only';

  constructor(path: string, options?: ErrorOptions) {
    super(`${path} cannot be written to. Check the permissions of the file and of its folder.`, options);
  }
}

/** SQLite does not do what it was told, and what is appended would not be safe. Nothing was appended. */
export class SettingRefused extends DaybookError {
  override readonly name = 'SettingRefused';
  readonly code = 'setting-refused';
  readonly path: string;
  /** The pragma of SQLite. */
  readonly setting: string;

  constructor(path: string, setting: { name: string; value: string | number; found: string | number }) {
    const { name, value, found } = setting;
    super(
      `SQLite says ${name} = ${found} of ${path}, where it was told ${value}: events would not be safe there. ` +
        'Put the file on a local disk, and use the SQLite that Node brings.',
    );
    this.path = path;
    this.setting = name;
  }
}

/** Another process kept the store locked for longer than the time-out. Nothing was written. */
export class StoreBusy extends DaybookError {
  override readonly name = 'StoreBusy';
  readonly code = 'store-busy';

  constructor(path: string, options?: ErrorOptions) {
    super(`Another process keeps ${path} locked. Nothing was written. Try again.`, options);
  }
}

/** The disk refused to read or write. What was being appended has an unknown outcome. */
export class StoreIoError extends DaybookError {
  override readonly name = 'StoreIoError';
  readonly code = 'io-error';
}

/** The file is damaged in a way that SQLite itself noticed. */
export class StoreDamaged extends DaybookError {
  override readonly name = 'StoreDamaged';
  readonly code = 'store-damaged';
  readonly path: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path} is damaged: ${reason}. Run 'daybook verify', then restore a backup.`, options);
    this.path = path;
  }
}

/** There is a file already where a backup or a restored store should be written. It was not touched. */
export class BackupExists extends DaybookError {
  override readonly name = 'BackupExists';
  readonly code = 'backup-exists';
  readonly path: string;

  constructor(path: string) {
    super(`There is a file at ${path} already. Choose another name, or move that file away first.`);
    this.path = path;
  }
}
