export { restoreSqliteStore } from './backup.ts';
export {
  BackupExists,
  DiskFull,
  IndexDamaged,
  LogRegressed,
  NewerFormat,
  NotAStore,
  SettingRefused,
  StoreBusy,
  StoreDamaged,
  StoreIoError,
  StoreReadOnly,
} from './errors.ts';
export type { BackupProgress, Finding, SqliteStore, SqliteStoreOptions, VerifyProgress } from './options.ts';
export { openSqliteStore } from './sqlite-store.ts';
