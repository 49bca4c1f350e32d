import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, linkSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { LogConnection } from './connection.ts';
import { BackupExists, NotAStore } from './errors.ts';
import { checkHeader } from './open-log.ts';
import type { BackupProgress } from './options.ts';
import { typed, typedError } from './sql-error.ts';
import { remove, removedAtEnd, syncFile } from './whole-file.ts';

const pageBytes = 4_096;
const reportEveryMs = 200;
/** How long a restore waits for a process that keeps the source locked. */
const restoreBusyMs = 5_000;

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
    linkNew(draft, target);
    syncFile(dirname(target));
    const pages = Math.ceil(statSync(target).size / pageBytes);
    yield { pagesDone: pages, pagesTotal: pages };
  } finally {
    if (!state.isDone) await worker.terminate();
    rmSync(draft, { force: true });
  }
}

/**
 * Makes a store from a backup, or from another store, which may be in use: it is as it was at one moment. The source is
 * only read. The new store's epoch is one above, so that consumers that have seen more notice.
 *
 * @throws BackupExists when there is a file at `target`, or the write-ahead file of one that somebody has still open.
 * @throws NotAStore, NewerFormat when the source is not a log that this code knows.
 */
export async function restoreSqliteStore(
  source: string,
  target: string,
): Promise<{ readonly logId: string; readonly epoch: number }> {
  if (!existsSync(source)) throw new NotAStore(source, 'there is no file');
  typed(source, () => checkHeader(source));
  typed(target, () => checkFree(target));
  const draft = `${target}.${randomUUID()}`;
  using _ = removedAtEnd(draft);
  // SQLite reads the source: it knows what its write-ahead file holds, and which locks this process has on it.
  for await (const { pagesDone } of backup(source, draft, { busyTimeoutMs: restoreBusyMs })) if (pagesDone < 0) break;
  return typed(target, () => {
    const meta = raiseEpoch(draft);
    syncFile(draft);
    checkFree(target);
    // A new log has no witness yet, and an index of another log is made again.
    remove(`${target}-head`);
    linkNew(draft, target);
    syncFile(dirname(target));
    return meta;
  });
}

/** Nobody may have a file there, nor one that was removed while it was in use: its write-ahead file is still there. */
function checkFree(target: string): void {
  for (const path of [target, `${target}-wal`, `${target}-journal`]) if (existsSync(path)) throw new BackupExists(path);
}

/** Gives a file its name. Unlike a renaming it replaces nothing that came in between. */
function linkNew(draft: string, target: string): void {
  try {
    linkSync(draft, target);
  } catch (error) {
    if (Reflect.get(Object(error), 'code') === 'EEXIST') throw new BackupExists(target);
    throw error;
  }
}

function raiseEpoch(path: string): { readonly logId: string; readonly epoch: number } {
  using log = new LogConnection(path, { busyTimeoutMs: restoreBusyMs });
  log.settle();
  const { logId, epoch } = log.meta();
  log.begin();
  log.setEpoch(epoch + 1);
  log.commit();
  return { logId, epoch: epoch + 1 };
}
