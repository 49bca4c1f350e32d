import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

/*
 * What is done with a file before it is known to be a log.
 */

/**
 * What the header of a SQLite file says it is. Writes nothing, not even beside it, and takes no lock. So the file can be
 * in the middle of a checkpoint, with fewer pages than its header says; `writable_schema` makes SQLite read it all the
 * same. What is read here never changes.
 */
export function readHeader(path: string): { readonly applicationId: number; readonly format: number } {
  const url = pathToFileURL(path);
  url.search = '?immutable=1&mode=ro';
  const database = new DatabaseSync(url, { defensive: false });
  try {
    database.exec('PRAGMA writable_schema = ON');
    const { application_id: id } = database.prepare('PRAGMA application_id').get() as { application_id: number };
    const { user_version: format } = database.prepare('PRAGMA user_version').get() as { user_version: number };
    return { applicationId: id, format };
  } finally {
    database.close();
  }
}

/** Does `work` while no other process that does the same with this file is at it. The file must be there. */
export function aloneWith(path: string, work: () => void): void {
  const url = pathToFileURL(path);
  url.search = '?mode=rw';
  const database = new DatabaseSync(url, { timeout: 5_000 });
  try {
    database.exec('BEGIN IMMEDIATE');
    work();
  } finally {
    database.close();
  }
}
