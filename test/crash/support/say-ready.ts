import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';

/** Tells the parent that all modules are loaded, and keeps what was compiled: a process that is killed cannot do so later. */
export function sayReady(): void {
  flushCompileCache();
  writeSync(1, 'ready\n');
}
