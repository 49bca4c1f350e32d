import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'node:test';
import { fileURLToPath } from 'node:url';

const install = 'apt-get install gcc libc6-dev';

/**
 * A suite of tests that watch the disk. Where that cannot be, it says why, and what to install. In CI it must be: there
 * the compiler's own error is the better answer.
 */
export function describeWatched(name: string, suite: () => void): void {
  const skip = process.env['CI'] === 'true' ? false : cannotWatch();
  // The suite's result is that of its tests.
  void describe(name, { skip }, suite);
}

function cannotWatch(): string | false {
  if (process.platform !== 'linux') return 'The disk can be watched on Linux only.';
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return `There is no C compiler: ${install}`;
  }
}

/** The shim as a library, compiled for as long as its scope lives. */
export interface DiskShim extends Disposable {
  /** What a process must have in its environment to be watched. */
  readonly environment: (options: WatchOptions) => Readonly<Record<string, string>>;
}

export interface WatchOptions {
  /** Absolute, without symbolic links. */
  readonly folder: string;
  readonly log?: string;
  readonly acks?: string;
  readonly control?: DiskControl;
}

/** Compiles the shim. */
export function compileDiskShim(): DiskShim {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-shim-'));
  const library = join(folder, 'disk-shim.so');
  const source = fileURLToPath(new URL('disk-shim.c', import.meta.url));
  try {
    execFileSync('gcc', ['-O2', '-shared', '-fPIC', '-o', library, source, '-lpthread', '-ldl'], { stdio: 'pipe' });
  } catch (cause) {
    rmSync(folder, { recursive: true });
    throw new Error(`The disk shim does not compile. It needs gcc: ${install}`, { cause });
  }
  return {
    environment: ({ folder: watched, log, acks, control }) => ({
      LD_PRELOAD: library,
      DISK_FOLDER: watched,
      // Node's own way around the calls that the shim watches.
      UV_USE_IO_URING: '0',
      ...(log === undefined ? {} : { DISK_LOG: log }),
      ...(acks === undefined ? {} : { DISK_ACKS: acks }),
      ...(control === undefined ? {} : { DISK_CONTROL: control.path }),
    }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Calls that the shim counts and can let fail, by their number in `disk-shim.c`. */
const operations = { any: 0, write: 1, sync: 2, truncate: 3, create: 4, unlink: 5, rename: 6, read: 7 } as const;

export type Operation = keyof typeof operations;

export interface Failure {
  readonly operation: Operation;
  /** 1: the next call of this kind. */
  readonly nth: number;
  /** `short`: a write is cut in half. */
  readonly error: 'EIO' | 'ENOSPC' | 'EINTR' | 'short';
  /** How many calls fail from there on. */
  readonly times: number;
}

const errorNumbers = { EIO: 5, ENOSPC: 28, EINTR: 4, short: 0 } as const;

/** What the shim shall do, changed while the watched process runs, by itself or by another. */
export class DiskControl implements Disposable {
  readonly path: string;
  readonly #fd: number;

  /** Makes the file, or joins a process that is watched already. */
  constructor(path: string, purpose: 'make' | 'join' = 'make') {
    if (purpose === 'make') writeFileSync(path, Buffer.alloc(256));
    this.path = path;
    this.#fd = openSync(path, 'r+');
  }

  /** Makes each sync take this much longer. */
  delaySyncs(microseconds: number): void {
    this.#write(0, microseconds);
  }

  /** Makes syncs do nothing and say that they did. */
  letSyncsLie(): void {
    this.#write(1, 1);
  }

  fail({ operation, nth, error, times }: Failure): void {
    this.#write(3, 0);
    this.#write(2, operations[operation]);
    this.#write(4, errorNumbers[error]);
    this.#write(5, times);
    this.#write(6, 0);
    this.#write(3, nth);
  }

  stopFailing(): void {
    this.#write(3, 0);
  }

  /** How many calls have failed since `fail`. */
  get failed(): number {
    return this.#read(6);
  }

  /** How many calls of a kind there were. */
  calls(operation: Operation): number {
    return this.#read(7 + operations[operation]);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #write(field: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    writeSync(this.#fd, bytes, 0, 4, field * 4);
  }

  #read(field: number): number {
    const bytes = Buffer.alloc(4);
    readSync(this.#fd, bytes, 0, 4, field * 4);
    return bytes.readUInt32LE();
  }
}
