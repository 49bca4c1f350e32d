import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { revision, streamName, type EventStore } from 'daybook';
import { startServer, type Server } from 'daybook-server';
import { openMemoryStore } from 'daybook/memory';

import { answerLost } from './support/answer-lost.ts';
import { newFolder } from './support/folder.ts';
import { goldenLines } from './support/golden-file.ts';
import { runCli, type CliResult } from './support/run-cli.ts';

const stream = 'CustomerOrder-123456789';

const location = (port: number): string => `esdb://127.0.0.1:${port}?tls=false`;

describe('a server as the store', { concurrency: 3 }, () => {
  const folder = newFolder();
  let store: EventStore;
  let server: Server;
  before(async () => {
    store = openMemoryStore();
    server = await startServer({ store, port: 0, dev: true });
    await cli(['import', '-'], goldenLines.join('\n'));
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const cli = async (words: readonly string[], input = ''): Promise<CliResult> =>
    runCli([...words, '--store', location(server.port)], { cwd: folder.path, input });

  const isThere = async (name: string): Promise<void> => {
    for await (const message of store.subscribeToStream(streamName(name), { after: 'start' })) {
      if (message.kind === 'event') return;
    }
  };

  it('is read since a time', async () => {
    const [middle] = await Array.fromAsync(store.readStream(streamName(stream), { from: revision(1), limit: 1 }));
    const since = ['--since', middle!.created.toISOString(), '--ndjson'] as const;
    const long = ['--since', '2016-08-08', '--ndjson'] as const;
    for (const name of [stream, '$ce-CustomerOrder', '$all']) {
      assert.match((await cli(['read', name, ...since])).stdout, /"type":"OrderShipped"/);
      assert.equal((await cli(['read', name, ...long])).stdout, (await cli(['read', name, '--ndjson'])).stdout);
    }
    assert.equal((await cli(['read', stream, '--since', '2030-01-01', '--json'])).stdout, '[]\n');
  });

  it('lists system streams when asked to', async () => {
    await cli(['append', '$mine', '-t', 'T']);
    assert.doesNotMatch((await cli(['streams'])).stdout, /\$/);
    assert.match((await cli(['streams', '--system'])).stdout, /^1\t0\t\d+\t\$mine\n/);
  });

  for (const words of [
    ['verify'],
    ['backup', 'create', 'copy.db'],
    ['backup', 'restore', 'copy.db'],
    ['scavenge'],
    ['torture', '--cycles', '1'],
  ]) {
    it(`is refused by ${words[0]} ${words[1] ?? ''}, with the way out and exit code 2`, async () => {
      const { code, stdout, stderr } = await cli(words);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, /^✗ A server cannot be \w+ ?\w* from here: give --store FILE, .*\. \[not-supported\]\n$/);
    });
  }

  for (const [what, words, input] of [
    ['an event', ['append', 'Cut-1', '--type', 'Sent', '--data', '"the one that is cut off"'], ''],
    [
      'a batch',
      ['append', 'Cut-2', '--batch', '-'],
      '{"type":"Sent","data":"the one that is cut off"}\n{"type":"Sent"}\n',
    ],
  ] as const) {
    it(`whose answer to ${what} is lost ends it with 7, and the way out is safe`, async () => {
      const marker = 'the one that is cut off';
      await using way = await answerLost({ port: server.port, marker, cutAfter: () => isThere(words[1]) });
      const lost = await runCli([...words, '--store', location(way.port)], { cwd: folder.path, input });
      assert.deepEqual([lost.code, lost.stdout], [7, ''], lost.stderr);
      const [, id] =
        /Run the same command (?:with --id ([0-9a-f-]{36})|again): .*\[unknown-outcome\]\n$/.exec(lost.stderr) ??
        assert.fail(lost.stderr);
      const again = await cli([...words, ...(id === undefined ? [] : ['--id', id]), '--json'], input);
      assert.equal(JSON.parse(again.stdout).outcome, 'repeated', again.stderr);
    });
  }
});
