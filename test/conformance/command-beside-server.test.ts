import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';

import { jsonEvent, KurrentDBClient } from '@kurrent/kurrentdb-client';

import { newFolder } from '../cli/support/folder.ts';
import { collect, runCli, startCli, written } from '../cli/support/run-cli.ts';
import { size } from '../size.ts';

/** Who waits for longer waits in vain. */
const patienceMs = 120_000;

/** Streams. To each a process and the client append at the same time. */
const lanes = 3;

/** Processes of a lane, one after the other. Each appends one event. */
const processes: number = size(10);

/** Appends of the client while a process does one. */
const perProcess = 20;

const all: number = lanes * processes * (1 + perProcess);

describe('daybook append beside daybook serve, on one file', () => {
  it('lose nothing, keep the order, and see the events of each other', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    await using server = running(['serve', '--dev', '--port', '0'], cwd);
    const [connectionString] = await written(server.child, server.output, /esdb:\S+/);
    await using client = connected(connectionString);
    await using tail = running(['tail', '$all', '--after', 'start', '--limit', String(all), '--ndjson'], cwd);
    const subscribed = seen(client.subscribeToAll({ fromPosition: 'start' }));

    const acknowledged: string[] = [];
    const byClient = async (stream: string): Promise<void> => {
      for (let count = 0; count < perProcess; count++) {
        const { nextExpectedRevision } = await client.appendToStream(stream, [
          jsonEvent({ type: 'T', data: { count } }),
        ]);
        acknowledged.push(`${nextExpectedRevision}@${stream}`);
      }
    };
    const byProcess = async (stream: string): Promise<void> => {
      const { code, stdout, stderr } = await runCli(['append', stream, '-t', 'T', '--json'], { cwd });
      assert.equal(code, 0, stderr);
      acknowledged.push(`${JSON.parse(stdout).revision}@${stream}`);
    };
    const lane = async (_: unknown, number: number): Promise<void> => {
      for (let left = processes; left > 0; left--) {
        await Promise.all([byClient(`Lane-${number}`), byProcess(`Lane-${number}`)]);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));

    const order = namesIn((await runCli(['read', '$all', '--ndjson'], { cwd })).stdout);
    assert.deepEqual(order.toSorted(), acknowledged.toSorted());
    assert.deepEqual(await subscribed, order);
    assert.deepEqual(await tail.closed, [0, null]);
    assert.deepEqual(namesIn(tail.output()), order);
    for (const [stream, own] of Map.groupBy(order, (name) => name.split('@')[1])) {
      assert.deepEqual(
        own,
        Array.from(own, (_, revision) => `${revision}@${stream}`),
      );
    }
    assert.equal((await runCli(['verify'], { cwd })).code, 0);
  });
});

interface Running extends AsyncDisposable {
  readonly child: ReturnType<typeof startCli>;
  readonly output: () => string;
  readonly closed: Promise<readonly unknown[]>;
}

/** A command that runs until it is left, or has done what it does. */
function running(words: readonly string[], cwd: string): Running {
  const child = startCli(words, { cwd, timeoutMs: 2 * patienceMs });
  const closed = once(child, 'close');
  return {
    child,
    output: collect(child.stdout),
    closed,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}

function connected(connectionString: string): KurrentDBClient & AsyncDisposable {
  const client = KurrentDBClient.connectionString(connectionString.replace('esdb', 'kurrentdb'));
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.dispose() });
}

/** The events that a subscription gives, until it has given all. */
async function seen(subscription: ReturnType<KurrentDBClient['subscribeToAll']>): Promise<readonly string[]> {
  const late = setTimeout(() => subscription.destroy(new Error('Not all events came.')), patienceMs);
  const names: string[] = [];
  for await (const { event } of subscription) {
    names.push(`${event?.revision}@${event?.streamId}`);
    if (names.length === all) break;
  }
  clearTimeout(late);
  return names;
}

function namesIn(lines: string): readonly string[] {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const { revision, stream } = JSON.parse(line) as Readonly<Record<string, string>>; // As `daybook read` writes it.
      return `${revision}@${stream}`;
    });
}
