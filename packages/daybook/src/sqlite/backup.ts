import { once } from 'node:events';
import { constants, copyFileSync, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { LogConnection } from './connection.ts';
import { BackupExists } from './errors.ts';
import { openLog } from './open-log.ts';
import type { BackupProgress } from './options.ts';
import { typed, typedError } from './sql-error.ts';
import { syncFile } from './whole-file.ts';

const pageBytes = 4_096;
const reportEveryMs = 200;
const suffixes = ['', '-wal', '-shm', '-index', '-index-wal', '-index-shm', '-head'] as const;

/** Copies the log, as it is when the copy begins, in a thread of its own. */
export async function* backup(
  path: string,
  target: string,
  { signal, busyTimeoutMs }: { readonly signal?: AbortSignal; readonly busyTimeoutMs: number },
): AsyncGenerator<BackupProgress, void, undefined> {
  if (existsSync(target)) throw new BackupExists(target);
  const pagesTotal = Math.ceil(statSync(path).size / pageBytes);
  const draft = `${target}.part`;
  rmSync(draft, { force: true });
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./backup-worker.${extension}`, import.meta.url), {
    workerData: { path, target: draft, busyTimeoutMs },
  });
  const state: { isDone: boolean; failure?: unknown } = { isDone: false };
  const ended = once(worker, 'exit').then(
    () => void (state.isDone = true),
    (failure: unknown) => void Object.assign(state, { failure, isDone: true }),
  );
  try {
    while (!state.isDone) {
      signal?.throwIfAborted();
      await Promise.race([ended, wait(reportEveryMs, undefined, { ref: false })]);
      const pagesDone = existsSync(draft) ? Math.floor(statSync(draft).size / pageBytes) : 0;
      if (!state.isDone)
        yield { pagesDone: Math.min(pagesDone, pagesTotal), pagesTotal: Math.max(pagesDone, pagesTotal) };
    }
    if (state.failure !== undefined) throw typedError(target, state.failure);
    syncFile(draft);
    renameSync(draft, target);
    syncFile(dirname(target));
    const pages = Math.ceil(statSync(target).size / pageBytes);
    yield { pagesDone: pages, pagesTotal: pages };
  } finally {
    if (!state.isDone) await worker.terminate();
    rmSync(draft, { force: true });
  }
}

/**
 * Makes a store from a backup, or from another store's file that nobody has open. Its epoch is one above the backup's,
 * so that consumers that have seen more notice.
 *
 * @throws BackupExists when there is a file at `target`.
 * @throws NotAStore, NewerFormat when the backup is not a log that this code knows.
 */
export async function restoreSqliteStore(
  source: string,
  target: string,
): Promise<{ readonly logId: string; readonly epoch: number }> {
  return typed(target, () => {
    if (existsSync(target)) throw new BackupExists(target);
    // Read as it is: the backup must not change, and must be a whole log.
    openLog(source, { missing: 'refuse', busyTimeoutMs: 5_000 })[Symbol.dispose]();
    const draft = `${target}.part`;
    for (const suffix of suffixes) rmSync(draft + suffix, { force: true });
    try {
      copyFileSync(source, draft, constants.COPYFILE_FICLONE);
      const meta = raiseEpoch(draft);
      syncFile(draft);
      for (const suffix of suffixes) rmSync(target + suffix, { force: true });
      renameSync(draft, target);
      syncFile(dirname(target));
      return meta;
    } finally {
      for (const suffix of suffixes) rmSync(draft + suffix, { force: true });
    }
  });
}

function raiseEpoch(path: string): { readonly logId: string; readonly epoch: number } {
  using log = new LogConnection(path, { busyTimeoutMs: 5_000 });
  log.settle();
  const { logId, epoch } = log.meta();
  log.begin();
  log.setEpoch(epoch + 1);
  log.commit();
  return { logId, epoch: epoch + 1 };
}
