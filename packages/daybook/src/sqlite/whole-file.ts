import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, statSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';

/** What SQLite may put beside a file. */
const besides = ['-wal', '-shm', '-journal'] as const;

/** Whether there is a file with nothing in it: one that somebody touched. */
export function isEmpty(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && stat.isFile() && stat.size === 0;
}

/**
 * Makes a file under another name first: whoever sees it at `path` sees all of it. When two processes make the same
 * file, the first one wins, and both go on with that.
 */
export function makeWhole(path: string, make: (draft: string) => void): void {
  const draft = `${path}.${process.pid}.${randomUUID()}`;
  using _ = removedAtEnd(draft);
  make(draft);
  syncFile(draft);
  try {
    linkSync(draft, path);
  } catch (error) {
    if (Reflect.get(Object(error), 'code') !== 'EEXIST') throw error; // Another process was first.
  }
  syncFile(dirname(path));
}

/** Makes what was written to a file, or a folder, durable. */
export function syncFile(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Removes a SQLite file, and what belongs to it. What is not there is fine. */
export function removeDatabase(path: string): void {
  for (const suffix of [...besides, '']) remove(path + suffix);
}

/** Removes a file, if it is there. Unlike `rmSync` it says which error a disk gave. */
export function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (Reflect.get(Object(error), 'code') !== 'ENOENT') throw error;
  }
}

/** Removes a draft when its scope ends. That it cannot be removed does not matter. */
export function removedAtEnd(draft: string): Disposable {
  return {
    [Symbol.dispose]: () => {
      for (const suffix of ['', ...besides]) {
        try {
          remove(draft + suffix);
        } catch {
          // It stays behind, under a name that nobody else takes. What went wrong before is what the caller must hear.
        }
      }
    },
  };
}
