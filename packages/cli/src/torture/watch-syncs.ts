import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

import { framesIn } from './write-ahead-file.ts';

/**
 * Tells of each sync that a store of this process is answered by the disk, and how far the write-ahead file was written
 * when that sync began: so much of it no power cut can take away. To be called before the store is loaded, in a process
 * of its own: it puts itself in the place of Node's `fdatasync`.
 */
export function watchSyncs(path: string, told: (frames: string) => void): void {
  const { fdatasync, fdatasyncSync } = fs;
  let shared: number | undefined; // It is never closed: that would drop the locks that SQLite holds on this file.
  const begun = (): string => framesIn((shared ??= fs.openSync(`${path}-shm`, 'r'))).text;
  const watched = (file: number, done: fs.NoParamCallback): void => {
    const frames = begun();
    fdatasync(file, (error) => {
      if (error === null) told(frames);
      done(error);
    });
  };
  fs.fdatasync = Object.assign(watched, fdatasync);
  fs.fdatasyncSync = (file) => {
    const frames = begun();
    fdatasyncSync(file);
    told(frames);
  };
  syncBuiltinESMExports();
}
