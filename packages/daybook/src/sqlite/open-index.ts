import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';

import type { LogConnection } from './connection.ts';
import { IndexDamaged } from './errors.ts';
import { IndexConnection } from './index-connection.ts';
import { indexError } from './sql-error.ts';
import { makeWhole, removeDatabase } from './whole-file.ts';

export interface IndexFile {
  readonly path: string;
  readonly busyTimeoutMs: number;
}

/*
 * The index is derived: what is wrong with it is no reason not to open a store. It is removed then, and a new one is
 * made, which the log fills. Whoever has the old file open keeps it, and learns from the new one's id that there is a
 * new one. Files must not change places while somebody opens them, or the write-ahead file of one would be read with
 * the other: so the lock on the log is held for both.
 */

/** The index beside a log. Makes it when it is not there, cannot be used or is the one that is known to be `damaged`. */
export function openIndex(log: LogConnection, file: IndexFile & { readonly damaged?: string }): IndexConnection {
  return log.alone(() => {
    const index = existsSync(file.path) ? usable(file) : undefined;
    if (index !== undefined && index.id() !== file.damaged) return index;
    index?.[Symbol.dispose]();
    removeDatabase(file.path); // And a write-ahead file that was left: it would be taken for the new one's.
    makeWhole(file.path, (draft) => {
      using made = new IndexConnection(draft, file);
      made.create(randomUUID());
    });
    return openedIndex(file);
  });
}

/** Opens an index that must not be made, or made again. */
export function openedIndex(file: IndexFile): IndexConnection {
  const index = new IndexConnection(file.path, file);
  try {
    index.settle();
    index.check();
    return index;
  } catch (error) {
    index[Symbol.dispose]();
    throw error;
  }
}

function usable(file: IndexFile): IndexConnection | undefined {
  try {
    return openedIndex(file);
  } catch (error) {
    if (indexError(file.path, error) instanceof IndexDamaged) return undefined;
    throw error;
  }
}
