import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { newFolder } from './support/folder.ts';
import { collect, runCli, runInTerminal, startCli, written, type CliResult } from './support/run-cli.ts';

const service = fileURLToPath(new URL('support/mailing-service.ts', import.meta.url));

/** A service that runs in a folder, and what it has said. */
async function startService(cwd: string): Promise<{ child: ChildProcessWithoutNullStreams; said: () => string }> {
  const child = spawn(process.execPath, ['--conditions=@daybook/source', service], { cwd, timeout: 60_000 });
  const said = collect(child.stdout);
  child.stderr.resume();
  await written(child, said, /ready/);
  return { child, said };
}

async function killed(child: ChildProcessWithoutNullStreams): Promise<void> {
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
}

describe('the commands for consumers', () => {
  const folder = newFolder();
  const cli = (...words: readonly string[]): Promise<CliResult> => runCli(words, { cwd: folder.path });
  const json = async (...words: readonly string[]): Promise<Record<string, unknown>> => {
    const { stdout, stderr, code } = await cli(...words, '--json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  const ship = async (order: string): Promise<void> => {
    const { code, stderr } = await cli('append', `CustomerOrder-${order}`, '--type', 'OrderShipped', '--data', '{}');
    assert.equal(code, 0, stderr);
  };
  let running: Awaited<ReturnType<typeof startService>>;

  before(async () => {
    await ship('1');
    running = await startService(folder.path);
    await written(running.child, running.said, /mailed 0@CustomerOrder-1/);
  });
  after(async () => {
    await killed(running.child);
    folder[Symbol.dispose]();
  });

  it('list them, in a table and as JSON', async () => {
    await untilSo(async () => (await json('consumers', 'show', 'Mailing'))['behindEvents'] === '0');
    const [listed] = JSON.parse((await cli('consumers', '--json')).stdout) as Record<string, unknown>[];
    assert.equal(listed?.['consumer'], 'Mailing');
    assert.equal(listed['state'], 'live');
    assert.deepEqual(listed['sources'], [{ stream: '$et-OrderShipped', pos: '0', end: '0', behindEvents: '0' }]);
    const { screen } = await runInTerminal(['consumers'], { cwd: folder.path, columns: 100, env: { NO_COLOR: '1' } });
    assert.match(
      screen,
      /^CONSUMER +STATE +BEHIND +OLDEST +HEARTBEAT +PARKED +WHY\nMailing +live +0 +\d s +0\n1 consumer\n$/,
    );
    assert.equal((await cli('consumers', 'show', 'Nobody')).code, 3);
  });

  it('O-7: A-C14: set a checkpoint after a preview, with who and why, and take that back', async () => {
    const set = ['checkpoint', 'set', 'Mailing', '--to', 'start'] as const;
    assert.match((await cli(...set, '--yes')).stderr, /Say --why/);
    const refused = await cli(...set, '--why', 'mails were lost');
    assert.equal(refused.code, 10);
    assert.match(refused.stderr, /from 0, to -1, eventsAgain 1.*--yes/);
    const beyond = await cli('checkpoint', 'set', 'Mailing', '--to', '77', '--why', 'x', '--yes');
    assert.equal(beyond.code, 4);
    assert.match(beyond.stderr, /is 77, and \$et-OrderShipped ends at 0.*\[checkpoint-ahead-of-log\]/);
    const plan = await json(...set, '--why', 'mails were lost', '--dry-run');
    assert.deepEqual([plan['from'], plan['to'], plan['dryRun']], ['0', '-1', true]);
    const mailed = running.said().match(/mailed 0@CustomerOrder-1/g)?.length ?? 0;
    await json(...set, '--why', 'mails were lost', '--who', 'ann', '--yes');
    await written(running.child, running.said, new RegExp(`(?:mailed 0@CustomerOrder-1[^]*){${mailed + 1}}`));
    const history = JSON.parse((await cli('checkpoint', 'history', 'Mailing', '--json')).stdout) as {
      who?: string;
      why?: string;
      pos: string;
    }[];
    const byAnn = history.find(({ who }) => who === 'ann');
    assert.deepEqual([byAnn?.pos, byAnn?.why], ['-1', 'mails were lost']);
    const undone = await json('checkpoint', 'undo', 'Mailing', '--yes');
    assert.equal(undone['to'], '0');
    await untilSo(async () => (await json('checkpoint', 'get', 'Mailing'))['pos'] === '0');
  });

  it('pause one until a time, and let it go on before', async () => {
    const pause = ['consumers', 'pause', 'Mailing', '--why', 'the smtp server moves', '--who', 'ann'] as const;
    assert.match((await cli(...pause)).stderr, /A pause ends: say --for/);
    await json(...pause, '--for', '1h');
    await ship('2');
    await untilSo(async () => (await json('consumers', 'show', 'Mailing'))['state'] === 'paused');
    const shown = await json('consumers', 'show', 'Mailing');
    assert.deepEqual([shown['pausedBy'], shown['pausedWhy']], ['ann', 'the smtp server moves']);
    assert.doesNotMatch(running.said(), /CustomerOrder-2/);
    await json('consumers', 'resume', 'Mailing', '--why', 'it has moved');
    await written(running.child, running.said, /mailed 0@CustomerOrder-2/);
  });

  it('show what is parked, retry it, and skip what never will work', async () => {
    writeFileSync(folder.file('broken'), '');
    await ship('poison');
    await ship('poison');
    await untilSo(async () => (await json('consumers', 'show', 'Mailing'))['parkedEvents'] === 2);
    const parked = JSON.parse((await cli('consumers', 'parked', 'Mailing', '--json')).stdout) as Record<
      string,
      unknown
    >[];
    assert.deepEqual(
      parked.map(({ revision }) => revision),
      ['0', '1'],
    );
    assert.match(String(parked[0]?.['error']), /no such address/);
    const checked = await cli('check', 'consumer', 'Mailing');
    assert.equal(checked.code, 1);
    assert.match(checked.stdout, /^WARNING: Mailing has parked events: 2 events of 1 streams/);
    const skip = ['consumers', 'skip', 'Mailing', '--stream', 'CustomerOrder-poison', '--why', 'a test order'] as const;
    assert.equal((await cli(...skip)).code, 10);
    await json(...skip, '--yes');
    await untilSo(async () => (await json('consumers', 'show', 'Mailing'))['parkedEvents'] === 1);
    rmSync(folder.file('broken'));
    await json('consumers', 'retry', 'Mailing', '--why', 'fixed');
    await written(running.child, running.said, /mailed 1@CustomerOrder-poison/);
    assert.doesNotMatch(running.said(), /mailed 0@CustomerOrder-poison/);
    await untilSo(async () => (await json('consumers', 'show', 'Mailing'))['parkedEvents'] === 0);
  });

  it('O-1: a consumer whose process was killed is CRITICAL, and a watch says so', async () => {
    await untilSo(async () => (await cli('check', 'consumer', 'Mailing')).code === 0);
    await killed(running.child);
    await ship('3');
    const watch = ['watch', '--once'] as const;
    await untilSo(async () => (await cli('check', 'consumer', 'Mailing')).code === 2);
    const checked = await cli('check', 'consumer', 'Mailing', '--format', 'prometheus');
    assert.match(checked.stdout, /daybook_consumer_lag_events\{consumer="Mailing"\} 1\n/);
    const watched = await cli(...watch, '--expect', 'Shipping=$et-AwaitingShipment');
    assert.equal(watched.code, 8, watched.stderr);
    assert.match(
      watched.stdout,
      /CRITICAL silent: Mailing says nothing any more: .*OrderShipped 0@CustomerOrder-3 waits/,
    );
    assert.match(watched.stdout, /CRITICAL never-started: Shipping was never started/);
  });
});

describe('daybook watch', () => {
  it('goes on, says alerts as they come, and says when a target does not answer', async () => {
    using folder = newFolder();
    await runCli(['append', 'a-1', '--type', 'OrderShipped', '--data', '{}'], { cwd: folder.path });
    const words = [
      'watch',
      '--every',
      '1s',
      '--expect',
      'Mailing=$et-OrderShipped',
      '--slack',
      'http://127.0.0.1:9/hook',
    ];
    const child = startCli(words, { cwd: folder.path });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    await written(child, stdout, /CRITICAL never-started: Mailing was never started: .*0@a-1 waits/);
    await untilSo(async () => {
      await Promise.race([once(child.stderr, 'data'), once(child, 'close')]);
      return /was not delivered to slack 1/.test(stderr());
    });
    child.kill('SIGINT');
    await once(child, 'close');
    assert.equal(child.signalCode, null);
  });

  it('goes on when a module of its config throws where nobody can catch it', async () => {
    using folder = newFolder();
    await runCli(['append', 'a-1', '--type', 'OrderShipped', '--data', '{}'], { cwd: folder.path });
    writeFileSync(
      folder.file('daybook.config.ts'),
      `const model = { name: 'shop', sources: [{ stream: '$ce-a' }], tables: {} };
       const db = () => new Promise((_, reject) => setTimeout(() => { reject(new Error('away')); throw new Error('cut'); }));
       export const readModels = [{ model, db }];`,
    );
    const child = startCli(['watch', '--every', '1ms'], { cwd: folder.path });
    const stderr = collect(child.stderr);
    await written(child, collect(child.stdout), /CRITICAL never-started: shop/);
    while ((stderr().match(/has failed: Error: cut/g)?.length ?? 0) < 3) await once(child.stderr, 'data');
    child.kill('SIGINT');
    const [code]: readonly unknown[] = await once(child, 'close');
    assert.equal(code, 0, stderr());
  });

  it('ends when something throws where nobody can catch it, and there is no config that it may come from', async () => {
    using folder = newFolder();
    await runCli(['append', 'a-1', '--type', 'OrderShipped', '--data', '{}'], { cwd: folder.path });
    const hook = folder.file('throws.mjs');
    writeFileSync(
      hook,
      `import { subscribe } from 'node:diagnostics_channel';
       subscribe('daybook:watch', () => setImmediate(() => { throw new Error('cut'); }));`,
    );
    const env = { NODE_OPTIONS: `--import=${pathToFileURL(hook).href}` };
    const { code, stderr } = await runCli(['watch', '--every', '1ms'], { cwd: folder.path, env, timeoutMs: 20_000 });
    assert.ok(code !== 0 && code !== null, `it went on: ${stderr}`);
    assert.match(stderr, /Error: cut/);
  });

  it('refuses to look without a pause', async () => {
    using folder = newFolder();
    for (const words of [
      ['watch', '--every', '0s'],
      ['serve', '--dev', '--port', '0', '--watch-every', '0ms'],
    ]) {
      const { code, stderr } = await runCli([...words, '--store', 'memory:'], { cwd: folder.path, timeoutMs: 20_000 });
      assert.equal(code, 2, stderr);
      assert.match(stderr, /--(?:watch-)?every 0m?s leaves no time in between/);
    }
  });
});

/** Waits until something is so. */
async function untilSo(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) if (await isSo()) return;
  assert.fail(`It is not so after 100 tries: ${String(isSo)}`);
}
