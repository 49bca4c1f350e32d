import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';

import { newFolder } from './support/folder.ts';
import { collect, runCli, startCli, written } from './support/run-cli.ts';

describe('npm start', { concurrency: 3 }, () => {
  it('serves orders, and says three commands that do what they say', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    const server = startCli(['start', '--port', '0'], { cwd });
    const shown = collect(server.stdout);
    await written(server, shown, /Ctrl-C stops/);
    const connectionString = /esdb:\/\/127\.0\.0\.1:\d+\?tls=false/.exec(shown())?.[0] ?? '';
    const commands = [...shown().matchAll(/^ {2}npx daybook (.*)$/gm)].map((match) => wordsOf(match[1] ?? ''));
    assert.deepEqual(
      commands.map(([name]) => name),
      ['read', 'tail', 'append'],
    );
    const [read = [], tail = [], append = []] = commands;

    const golden = await runCli(read, { cwd });
    assert.deepEqual(
      golden.stdout
        .trim()
        .split('\n')
        .map((line) => line.split('\t')[1]),
      ['AwaitingShipment', 'OrderShipped', 'ShipmentEmailSent'],
    );

    const tailing = startCli([...tail, '--ndjson'], { cwd });
    const tailed = collect(tailing.stdout);
    await once(tailing.stderr, 'data');
    const appended = await runCli([...append, '--json'], { cwd });
    assert.equal(JSON.parse(appended.stdout).outcome, 'appended', appended.stderr);
    await written(tailing, tailed, /\n/);
    assert.equal(JSON.parse(tailed()).stream, 'CustomerOrder-1');
    tailing.kill('SIGINT');
    await once(tailing, 'close');

    const streams = await runCli(['streams', '--category', 'CustomerOrder', '--store', connectionString], { cwd });
    assert.equal(streams.stdout.trim().split('\n').length, 2_002, streams.stderr);

    server.kill('SIGTERM');
    const [code]: readonly unknown[] = await once(server, 'close');
    assert.equal(code, 0);
    assert.equal((await runCli(read, { cwd })).stdout, golden.stdout);
  });

  it('fills the store once', async () => {
    using folder = newFolder();
    const talks: string[] = [];
    for (let start = 0; start < 2; start++) {
      const server = startCli(['start', '--port', '0'], { cwd: folder.path });
      const talk = collect(server.stderr);
      await written(server, collect(server.stdout), /Ctrl-C stops/);
      server.kill('SIGINT');
      await once(server, 'close');
      talks.push(talk());
    }
    assert.match(talks[0] ?? '', /[\d,]+ events appended\./);
    assert.doesNotMatch(talks[1] ?? '', /appended/);
  });
});

describe('serve', { concurrency: 3 }, () => {
  it('refuses without --dev, with the way out', async () => {
    using folder = newFolder();
    const { code, stderr } = await runCli(['serve'], { cwd: folder.path });
    assert.equal(code, 10);
    assert.match(stderr, /needs TLS and users.*say --dev\. \[refused\]/);
  });

  it('lets a command append through the server and another read the file beside it', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    const server = startCli(['serve', '--dev', '--port', '0', '--json'], { cwd });
    const shown = collect(server.stdout);
    await written(server, shown, /\n/);
    const { connectionString } = JSON.parse(shown()) as { connectionString: string };
    const sent = await runCli(['append', 'a-1', '-t', 'Sent', '-d', '{"a": 1.0}'], {
      cwd,
      env: { DAYBOOK_STORE: connectionString },
    });
    assert.equal(sent.code, 0, sent.stderr);
    assert.match((await runCli(['read', 'a-1', '--ndjson'], { cwd })).stdout, /"data":\{"a": 1\.0\}/);
    await runCli(['append', 'a-1', '-t', 'Beside'], { cwd });
    const read = await runCli(['read', 'a-1', '--store', connectionString], { cwd });
    assert.deepEqual(
      read.stdout
        .trim()
        .split('\n')
        .map((line) => line.split('\t')[1]),
      ['Sent', 'Beside'],
    );
    server.kill('SIGINT');
    const [code]: readonly unknown[] = await once(server, 'close');
    assert.equal(code, 0);
  });

  it('B1: watches by itself: an alert goes to standard error, a webhook and the log, once between it and another watch', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    const heard = Promise.withResolvers<string>();
    await using hook = createServer((request, response) => {
      request.on('data', (text: Buffer) => heard.resolve(String(text)));
      request.on('end', () => response.end());
    });
    hook.listen(0, '127.0.0.1');
    await once(hook, 'listening');
    const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`;
    const expect = ['--expect', 'Mailing=$et-Sent'];
    const words = ['serve', '--dev', '--port', '0', '--quiet', '--watch-every', '10ms', '--slack', url, ...expect];
    const server = startCli(words, { cwd });
    const stderr = collect(server.stderr);
    await written(server, collect(server.stdout), /\n/);
    await untilSaid(server.stderr, stderr, /CRITICAL never-started: Mailing was never started/);
    assert.match(await heard.promise, /CRITICAL never-started: Mailing/);
    assert.equal((await runCli(['watch', '--once', ...expect], { cwd })).code, 8);
    assert.equal((await runCli(['watch', '--once'], { cwd })).code, 8);
    const alerts = await runCli(['read', '$alerts', '--json'], { cwd });
    assert.deepEqual(
      (JSON.parse(alerts.stdout) as { type: string }[]).map(({ type }) => type),
      ['AlertRaised'],
    );
    server.kill('SIGINT');
    const [code]: readonly unknown[] = await once(server, 'close');
    assert.equal(code, 0, stderr());
    assert.equal(stderr().match(/never-started/g)?.length, 1);
  });

  it('B1: does not watch with --no-watch', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    const words = [
      'serve',
      '--dev',
      '--port',
      '0',
      '--no-watch',
      '--watch-every',
      '1ms',
      '--expect',
      'Mailing=$et-Sent',
    ];
    const server = startCli([...words, '--json'], { cwd });
    const shown = collect(server.stdout);
    const stderr = collect(server.stderr);
    await written(server, shown, /\n/);
    const { connectionString } = JSON.parse(shown()) as { connectionString: string };
    // A watch that looks each millisecond would have seen it long before this is done.
    for (let turn = 0; turn < 3; turn++) {
      const read = await runCli(['read', '$alerts', '--store', connectionString], { cwd });
      assert.deepEqual([read.code, read.stdout], [3, '']);
    }
    server.kill('SIGINT');
    await once(server, 'close');
    assert.doesNotMatch(stderr(), /Mailing/);
  });
});

/** Waits until a program has said something on its standard error. */
async function untilSaid(stderr: NodeJS.ReadableStream, said: () => string, what: RegExp): Promise<void> {
  while (!what.test(said())) await once(stderr, 'data');
}

/** The words of a command line as a shell takes them apart. */
function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
}
