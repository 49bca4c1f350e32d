import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as after } from 'node:timers/promises';

import { eventTypeStream, jsonEvent, streamName, type EventStore } from 'daybook';
import { checkpointHistory } from 'daybook/consumer';

import { startChild, type Child } from './support/child.ts';
import { diskFolder } from './support/folder.ts';
import { openStore } from './support/open-store.ts';

/** Nothing here takes longer. */
const patienceMs = 20_000;

/** A consumer in a process of its own, and what it has said. */
class Instance implements AsyncDisposable {
  readonly said: string[] = [];
  readonly child: Child;

  constructor() {
    this.child = startChild(new URL('stopped-consumer-child.ts', import.meta.url), {
      onLine: (line) => this.said.push(line),
    });
  }

  async run(path: string): Promise<void> {
    await this.child.ready;
    this.child.send(path);
  }

  /** Waits until it says something, after the first `from` lines. */
  async says(line: string, from = 0): Promise<void> {
    for (const endMs = Date.now() + patienceMs; !this.said.slice(from).includes(line); await after(5)) {
      if (Date.now() > endMs) assert.fail(`It has not said ${line}: ${this.said.join()}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]();
  }
}

async function ship(store: EventStore, order: number): Promise<void> {
  await store.append(streamName(`Order-${order}`), [jsonEvent({ type: 'OrderShipped', data: {} })], {
    expected: 'any',
  });
}

/** Stops a process and does `work`. A process that was in the middle of a commit is stopped again, a little later. */
async function stopped(pid: number, work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    process.kill(pid, 'SIGSTOP');
    try {
      await work();
      return;
    } catch (error) {
      if (attempt === 4 || Reflect.get(Object(error), 'code') !== 'store-busy') throw error;
      process.kill(pid, 'SIGCONT');
      await after(50);
    }
  }
}

describe('R19: a process that is stopped while it holds the lease', () => {
  it('R19: is taken over; when it wakes up it writes no checkpoint, and stands by', async () => {
    using folder = diskFolder();
    const path = folder.file('x.db');
    await using store = await openStore(path);
    await using first = new Instance();
    await using second = new Instance();
    await first.run(path);
    await first.says('live');
    await second.run(path);
    await second.says('standing-by');
    await ship(store, 1);
    await first.says('handled 0@Order-1');
    await stopped(first.child.pid, () => ship(store, 2));
    const heard = first.said.length;
    await second.says('handled 0@Order-2');
    process.kill(first.child.pid, 'SIGCONT');
    await ship(store, 3);
    await second.says('handled 0@Order-3');
    await first.says('standing-by', heard);
    const place = { source: eventTypeStream('OrderShipped'), consumer: 'Mailing' };
    const history = (await Array.fromAsync(checkpointHistory(store, place))).toReversed();
    const tokens = history.map(({ token }) => token ?? 0);
    assert.deepEqual(
      tokens,
      tokens.toSorted((a, b) => a - b),
      'a stale instance wrote a checkpoint',
    );
    assert.deepEqual(new Set(tokens), new Set([1, 2]));
    assert.deepEqual(
      first.said.slice(heard).filter((line) => line.startsWith('handled')),
      [],
    );
  });
});
