import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder that is removed when its scope ends. */
export interface Folder extends Disposable {
  readonly path: string;
  file(name: string): string;
}

/** A folder on the disk, for what must survive a kill. */
export function diskFolder(): Folder {
  return folderIn(tmpdir());
}

/** A folder in memory where there is such a file system: for what is written and thrown away thousands of times. */
export function memoryFolder(): Folder {
  return folderIn(existsSync('/dev/shm') ? '/dev/shm' : tmpdir());
}

function folderIn(parent: string): Folder {
  const path = realpathSync(mkdtempSync(join(parent, 'daybook-crash-')));
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
