import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';

import { eventTypeFilter, jsonEvent, KurrentDBClient, streamNameFilter } from '@kurrent/kurrentdb-client';

import { newFolder } from '../cli/support/folder.ts';
import { collect, startCli, written } from '../cli/support/run-cli.ts';

/** An engine that goes back would need longer than the universe has existed. */
const patienceMs = 60_000;

const events = 2_000;

describe('an expression that never ends in an engine that goes back', () => {
  it('is answered in linear time, and stops no other client', async () => {
    using folder = newFolder();
    // In a process of its own: one that never comes to an end can be killed.
    const server = startCli(['serve', '--dev', '--port', '0', '--store', 'memory:'], {
      cwd: folder.path,
      timeoutMs: 3 * patienceMs,
    });
    const clients: KurrentDBClient[] = [];
    const connected = (connectionString: string): KurrentDBClient => {
      const client = KurrentDBClient.connectionString(connectionString.replace('esdb', 'kurrentdb'));
      clients.push(client);
      return client;
    };
    try {
      const [connectionString] = await written(server, collect(server.stdout), /esdb:\S+/);
      const [hostile, honest] = [connected(connectionString), connected(connectionString)];
      const text = `${'a'.repeat(250)}!`;
      const hurt = Array.from({ length: events }, () => jsonEvent({ type: text, data: {} }));
      await honest.appendToStream(text, hurt);

      const sources = ['^(a+)+$', '^(a|a)*$', '^(a|aa)+$'];
      const filters = sources.flatMap((regex) => [eventTypeFilter({ regex }), streamNameFilter({ regex })]);
      const reads = filters.map((filter) => Array.fromAsync(hostile.readAll({ filter })));
      const following = filters.map((filter) => hostile.subscribeToAll({ filter }));
      const caughtUp = following.map((each) =>
        once(
          each.on('data', () => {}),
          'caughtUp',
          { signal: AbortSignal.timeout(patienceMs) },
        ),
      );

      const honestly = Array.from({ length: 50 }, async (_, number) => {
        await honest.appendToStream(`Honest-${number}`, [jsonEvent({ type: 'Honest', data: {} })]);
        return (await Array.fromAsync(honest.readStream(`Honest-${number}`))).length;
      });
      const bounded = async <Value>(all: Promise<Value>): Promise<Value> => {
        const late = once(AbortSignal.timeout(patienceMs), 'abort').then(() => assert.fail('no answer came'));
        return Promise.race([all, late]);
      };
      assert.deepEqual(new Set(await bounded(Promise.all(honestly))), new Set([1]));
      for (const found of await bounded(Promise.all(reads))) assert.deepEqual(found, []);
      await bounded(Promise.all(caughtUp));
      for (const each of following) await each.unsubscribe();
    } finally {
      await Promise.all(clients.map((client) => client.dispose()));
      server.kill('SIGKILL');
      await once(server, 'close');
    }
  });
});
