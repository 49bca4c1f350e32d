import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { platform } from 'node:process';
import { describe, it } from 'node:test';

import { newFolder } from './support/folder.ts';
import { importGolden } from './support/golden-file.ts';
import { runCli } from './support/run-cli.ts';

describe('backup, restore and verify', { concurrency: 3 }, () => {
  it('make a copy that is checked and put back as another generation of the same log', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    await importGolden(folder);
    const created = await runCli(['backup', 'create', 'copy.db', '--json'], { cwd });
    assert.equal(created.code, 0, created.stderr);
    assert.equal((await runCli(['backup', 'verify', 'copy.db'], { cwd })).code, 0);
    const restored = await runCli(['backup', 'restore', 'copy.db', '--store', 'new.db', '--json'], { cwd });
    assert.equal(restored.code, 0, restored.stderr);
    const [before, after] = [JSON.parse(created.stdout), JSON.parse(restored.stdout)];
    assert.equal(after.logId, before.logId);
    assert.equal(after.epoch, before.epoch + 1);
    assert.equal(after.position, before.position);
    const read = (store: string): Promise<{ stdout: string }> => runCli(['read', '$all', '--store', store], { cwd });
    assert.equal((await read('new.db')).stdout, (await read('daybook.db')).stdout);
  });

  it('A-L2: say where an event was altered, and end with 9', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    await importGolden(folder);
    assert.equal((await runCli(['verify'], { cwd })).code, 0);
    const bytes = readFileSync(folder.file('daybook.db'));
    const at = bytes.indexOf('awesome.user');
    assert.ok(at > 0, 'the data are not in the file as they are');
    bytes[at] = 'A'.charCodeAt(0);
    writeFileSync(folder.file('daybook.db'), bytes);
    const verified = await runCli(['verify', '--json'], { cwd });
    assert.equal(verified.code, 9, verified.stderr);
    assert.match(verified.stderr, /is damaged: .* Restore a backup.*\[event-damaged\]/);
    assert.equal(JSON.parse(verified.stdout)[0].position, '3');
    const read = await runCli(['read', 'CustomerOrder-123456789'], { cwd });
    assert.equal(read.code, 9);
    assert.doesNotMatch(read.stdout, /Awesome/);
  });
});

describe('scavenge', { concurrency: 3 }, () => {
  it('says what it would free, frees it, and numbers nothing anew', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    await importGolden(folder);
    await runCli(['stream', 'truncate', 'CustomerOrder-123456789', '--before', '2'], { cwd });
    const plan = await runCli(['scavenge', '--dry-run', '--json'], { cwd });
    const done = await runCli(['scavenge', '--json'], { cwd });
    assert.equal(JSON.parse(plan.stdout).eventsFreed, '2');
    assert.deepEqual({ ...JSON.parse(done.stdout), dryRun: true }, JSON.parse(plan.stdout));
    const { stdout } = await runCli(['read', 'CustomerOrder-123456789', '--ndjson'], { cwd });
    assert.equal(JSON.parse(stdout).revision, '2');
    assert.equal((await runCli(['verify'], { cwd })).code, 0);
  });
});

describe('doctor', { concurrency: 3 }, () => {
  it('checks the machine, the disk and the store', async () => {
    using folder = newFolder();
    await importGolden(folder);
    const { stdout, code } = await runCli(['doctor', '--full', '--json'], { cwd: folder.path });
    const results = JSON.parse(stdout) as readonly { check: string; verdict: string; evidence: string }[];
    assert.deepEqual(
      results.map(({ check }) => check.replace(' ', '-')),
      'node sqlite memory open-files file-system free-space fsync write-lock store clock settings bytes'.split(' '),
    );
    assert.equal(code, results.some(({ verdict }) => verdict === 'fail') ? 8 : 0);
    const settings = results.find(({ check }) => check === 'settings')?.evidence ?? '';
    assert.match(settings, /journal_mode wal, synchronous 1, fullfsync 1, checkpoint_fullfsync 1/);
    assert.match(results.find(({ check }) => check === 'bytes')?.evidence ?? '', /3 events, nothing wrong/);
  });

  it('ends with 8 when something is wrong, and says what to do', async () => {
    using folder = newFolder();
    writeFileSync(folder.file('daybook.db'), 'this is no store');
    const { stdout, stderr, code } = await runCli(['doctor'], { cwd: folder.path });
    assert.equal(code, 8);
    assert.match(stdout, /^fail\tstore\t.*daybook verify/m);
    assert.match(stderr, /Something is wrong with: .*store/);
  });
});

describe(
  'doctor, where another process keeps the store locked',
  { concurrency: 2, skip: platform !== 'linux' && 'only Linux says who' },
  () => {
    for (const [how, says] of [
      ['was stopped', /is stopped and keeps it.*kill -CONT/],
      ['hangs', /keeps it and writes nothing.*kill \d+/],
    ] as const) {
      it(`names one that ${how} in a transaction, since when nothing was written, and the way out`, async () => {
        using folder = newFolder();
        await importGolden(folder);
        const holding = `
        const { DatabaseSync } = require('node:sqlite');
        new DatabaseSync('daybook.db').exec('BEGIN IMMEDIATE');
        console.log('held');
        setInterval(() => {}, 1_000);`;
        const holder = spawn(process.execPath, ['-e', holding], {
          cwd: folder.path,
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        await once(holder.stdout, 'data');
        if (how === 'was stopped') holder.kill('SIGSTOP');
        const { stdout, code } = await runCli(['doctor'], { cwd: folder.path });
        holder.kill('SIGKILL');
        await once(holder, 'close');
        assert.equal(code, 8);
        const line = /^fail\twrite lock\t(.*)$/m.exec(stdout)?.[1] ?? stdout;
        assert.match(line, new RegExp(`Process ${holder.pid} .*last write was at \\d{4}-.* s ago`));
        assert.match(line, says);
        assert.match((await runCli(['doctor'], { cwd: folder.path })).stdout, /^ok\twrite lock\tNobody keeps it/m);
      });
    }
  },
);

describe('bench and torture', { concurrency: 3 }, () => {
  it('measure on a store of their own, and leave nothing', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    for (const [name, events] of [
      ['append', 200],
      ['read', 1_000],
      ['subscribe', 20],
    ] as const) {
      const { stdout, stderr, code } = await runCli(['bench', name, '-n', String(events), '--json'], { cwd });
      assert.equal(code, 0, stderr);
      const result = JSON.parse(stdout);
      assert.deepEqual([result.bench, result.events], [name, events]);
      assert.ok(result.eventsPerSecond > 0);
    }
    assert.deepEqual(readdirSync(cwd), []);
  });

  it('kill writers, cut power, and find everything that was acknowledged', async () => {
    using folder = newFolder();
    const { stdout, stderr, code } = await runCli(['torture', '--cycles', '3', '--writers', '2', '--json'], {
      cwd: folder.path,
    });
    assert.equal(code, 0, stderr);
    const { cycles, powerCuts, acknowledged, lost, damaged } = JSON.parse(stdout);
    assert.deepEqual([cycles, powerCuts, lost, damaged], [3, 6, 0, 0]);
    assert.ok(acknowledged > 0);
    assert.deepEqual(readdirSync(folder.path), []);
  });

  it('find a store that acknowledges before its sync, and keep what shows it', async () => {
    using folder = newFolder();
    const env = { NODE_OPTIONS: `--import=${import.meta.resolve('./support/acknowledge-early.ts')}` };
    const words = ['torture', '--cycles', '50', '--power-cuts', '4', '--json'];
    const { stdout, stderr, code } = await runCli(words, { cwd: folder.path, env });
    assert.equal(code, 9, stderr);
    const { cycles, lost, damaged } = JSON.parse(stdout);
    assert.ok(cycles < 50 && lost + damaged > 0, stdout);
    assert.match(
      stderr,
      /After a power cut \(its -wal is .* (?:from|at) byte \d+ of \d+, synced up to \d+.*\[event-damaged\]/,
    );
    const kept = readdirSync(folder.path);
    for (const end of ['.db', '.db-wal', '.db-cut.db'])
      assert.ok(
        kept.some((name) => name.endsWith(end)),
        kept.join(' '),
      );
  });
});
