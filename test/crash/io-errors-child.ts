/**
 * A process that lives on a failing disk. It runs under the disk shim, and tells the shim itself what shall fail.
 *
 * It reads points as lines of JSON and answers each with a line of JSON. Arguments: watched folder, control file, mutant.
 */
import { mkdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { DaybookError } from 'daybook';
import type { SqliteStore } from 'daybook/sqlite';

import { checkLog, type Broken } from './support/check-log.ts';
import { batchEvents, tortureStream } from './support/checkable-event.ts';
import { DiskControl, type Failure } from './support/disk-shim.ts';
import type { Ack } from './support/lane.ts';
import { openStore } from './support/open-store.ts';
import { sayReady } from './support/say-ready.ts';

export interface PointResult {
  /** How many calls failed. None: the scenario ends before the nth call. */
  readonly failed: number;
  readonly acks: number;
  readonly definite: number;
  readonly unknown: number;
  readonly broken: readonly Broken[];
}

/** Codes that say: nothing was written. */
const definiteCodes = new Set([
  'disk-full',
  'store-busy',
  'store-read-only',
  'store-closed',
  'wrong-expected-revision',
]);

/** Codes that say: perhaps it was written. */
const unknownCodes = new Set(['unknown-outcome', 'io-error']);

/** No call may take longer than this, whatever the disk does. */
const patienceMs = 5_000;

const [, , folder = '', controlPath = '', mutant] = process.argv;
const control = new DiskControl(controlPath, 'join');

/** What came of one failing call. */
class Point {
  readonly acks: Ack[] = [];
  readonly refused: { readonly writer: string; readonly batch: number }[] = [];
  readonly broken: Broken[] = [];
  unknown = 0;
  /** An append failed because a sync did: from then on this handle must not acknowledge anything. */
  syncFailed = false;
  readonly #failure: Failure;
  readonly #path: string;

  constructor(failure: Failure, path: string) {
    this.#failure = failure;
    this.#path = path;
  }

  async run(): Promise<PointResult> {
    control.fail(this.#failure);
    await this.#live();
    const failed = control.failed;
    control.stopFailing();
    await this.#look();
    const { acks, refused, unknown, broken } = this;
    return { failed, acks: acks.length, definite: refused.length, unknown, broken: broken.slice(0, 5) };
  }

  /** Opens the store twice, appends and reads. Each of it may fail, in words of ours. */
  async #live(): Promise<void> {
    for (let time = 0; time < 2; time++) {
      this.syncFailed = false;
      try {
        await using store = await this.#inTime('open', openStore(this.#path));
        for (let batch = 4 * time; batch < 4 * time + 4; batch++) {
          // Three at once, so that they share a commit.
          await Promise.all(['0.0', '0.1', '0.2'].map((writer) => this.#append(store, writer, batch)));
        }
        for await (const page of store.readAll().pages()) if (page.length === 0) break;
      } catch (error) {
        this.#expectOurs('open, read or close', error);
      }
    }
  }

  async #append(store: SqliteStore, writer: string, batch: number): Promise<void> {
    const hadFailed = this.syncFailed;
    try {
      const appending = store.append(tortureStream(writer), batchEvents(writer, batch), { expected: 'any' });
      const { firstRevision, position } = await this.#inTime('append', appending);
      this.acks.push({ writer, batch, firstRevision, position });
      if (hadFailed) this.#say('answer', 'A handle acknowledges an append after a sync failed');
    } catch (error) {
      if (mutant === 'ignore-errors') {
        this.acks.push({ writer, batch, firstRevision: 0n, position: 0n });
        return;
      }
      this.#expectOurs('append', error);
      const code = error instanceof DaybookError ? error.code : '';
      if (definiteCodes.has(code)) this.refused.push({ writer, batch });
      else if (unknownCodes.has(code)) this.unknown++;
      else this.#say('answer', `An append fails with ${code}`);
      const { operation, error: how } = this.#failure;
      if (operation === 'sync' && how === 'EIO' && unknownCodes.has(code)) this.syncFailed = true;
    }
  }

  /** The disk works again: what was acknowledged is there, what was refused is not. */
  async #look(): Promise<void> {
    try {
      await using store = await openStore(this.#path);
      // A batch that was refused is missing between others, and that is no gap in what was promised.
      const { broken } = await checkLog(store, { acks: this.acks, positions: 'growing' });
      this.broken.push(...broken.filter(({ problem }) => !/^Batch \d+ of \S+ follows/.test(problem)));
      for (const { writer, batch } of this.refused) {
        const ids = new Set(batchEvents(writer, batch).map(({ id }) => id));
        for await (const { id } of store.readStream(tortureStream(writer))) {
          if (ids.has(id)) this.#say('answer', `Batch ${batch} of ${writer} was refused and is there`);
        }
      }
    } catch (error) {
      this.#say('unusable', `The disk works again, and the store cannot be opened: ${String(error)}`);
    }
  }

  async #inTime<Result>(what: string, work: Promise<Result>): Promise<Result> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what} takes longer than ${patienceMs} ms`)), patienceMs);
    });
    return Promise.race([work, late]).finally(() => clearTimeout(timer));
  }

  #expectOurs(what: string, error: unknown): void {
    if (error instanceof DaybookError) return;
    this.#say('answer', `${what} throws an error without a code of ours: ${String(error)}`);
  }

  #say(kind: Broken['kind'], problem: string): void {
    this.broken.push({ kind, problem });
  }
}

sayReady();
for await (const line of createInterface({ input: process.stdin })) {
  const failure = JSON.parse(line) as Failure; // Our own parent wrote it.
  mkdirSync(folder, { recursive: true });
  const result = await new Point(failure, join(folder, 'x.db')).run();
  rmSync(folder, { recursive: true });
  writeSync(1, `${JSON.stringify(result)}\n`);
}
