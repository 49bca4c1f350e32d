import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
/**
 * A process that opens stores of an old format, one after the other, and closes each. It reads what to do as lines of JSON
 * and says how each opening ended, in a line of JSON.
 *
 * Arguments: file by which the disk is told to fail, or `-`; mutant.
 */
import { DatabaseSync } from 'node:sqlite';

import { DiskControl, type Failure } from './support/disk-shim.ts';
import { openStore } from './support/open-store.ts';
import { sayReady } from './support/say-ready.ts';

export interface OpenTask {
  readonly paths: readonly string[];
  /** Begins to fail when the store is opened. */
  readonly failure?: Failure;
}

export interface Opened {
  /** What the opening threw, or nothing. */
  readonly code?: string;
  /** How many calls to the disk failed. */
  readonly failed: number;
}

const [, , controlPath = '-', mutant] = process.argv;
const control = controlPath === '-' ? undefined : new DiskControl(controlPath, 'join');
if (mutant === 'two-transactions') commitHalfWay();

/** A migration with a mistake: it commits half way, and is killed there now and then. */
function commitHalfWay(): void {
  const exec: unknown = Reflect.get(DatabaseSync.prototype, 'exec');
  if (typeof exec !== 'function') throw new TypeError('A database has no method to execute SQL.');
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string): void {
    const half = sql.indexOf('CREATE TRIGGER events_never_go');
    if (half < 0 || Math.random() < 0.8) return void Reflect.apply(exec, this, [sql]);
    Reflect.apply(exec, this, [`${sql.slice(0, half)}; COMMIT`]);
    process.kill(process.pid, 'SIGKILL');
  };
}

async function open(path: string, failure: Failure | undefined): Promise<Opened> {
  if (failure !== undefined) control?.fail(failure);
  let code: string | undefined;
  try {
    await using _ = await openStore(path, { missing: 'refuse' });
  } catch (error) {
    code = String(Reflect.get(Object(error), 'code') ?? error);
  }
  const failed = control?.failed ?? 0;
  control?.stopFailing();
  return { ...(code !== undefined && { code }), failed };
}

sayReady();
for await (const line of createInterface({ input: process.stdin })) {
  const { paths, failure } = JSON.parse(line) as OpenTask; // Our own parent wrote it.
  for (const path of paths) writeSync(1, `${JSON.stringify(await open(path, failure))}\n`);
}
