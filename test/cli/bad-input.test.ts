import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { newFolder } from './support/folder.ts';
import { collect, runCli, startCli, written } from './support/run-cli.ts';

const daybook = fileURLToPath(new URL('../../packages/cli/bin/daybook.mjs', import.meta.url));

describe('bad input', { concurrency: 3 }, () => {
  it('malformed JSON is refused where it goes wrong, and nothing is appended', async () => {
    using folder = newFolder();
    const { code, stderr } = await runCli(['append', 'a-1', '-t', 'T', '-d', '{"total": 1.0,}'], { cwd: folder.path });
    assert.equal(code, 2);
    assert.match(stderr, /^✗ --data is not JSON, at column 15: unexpected "}", after .*\[usage\]\n$/);
    assert.equal((await runCli(['streams'], { cwd: folder.path })).code, 3); // There is not even a store.
  });

  it('malformed JSON in a file is refused with its line, and what came before it stays', async () => {
    using folder = newFolder();
    writeFileSync(folder.file('bad.ndjson'), '{"stream":"a-1","type":"T","data":{}}\n\n{"stream":"a-1","type":}\n');
    const { code, stderr } = await runCli(['import', 'bad.ndjson'], { cwd: folder.path });
    assert.equal(code, 2);
    assert.match(stderr, /Line 3 of bad\.ndjson is not JSON, at column 24: unexpected "}"/);
    assert.equal((await runCli(['read', 'a-1', '--ndjson'], { cwd: folder.path })).stdout.split('\n').length, 2);
  });

  it('a wrong UUID is refused, and a right one is shown', async () => {
    using folder = newFolder();
    const { code, stderr } = await runCli(['append', 'a-1', '-t', 'T', '--id', '4711'], { cwd: folder.path });
    assert.equal(code, 2);
    assert.match(
      stderr,
      /--id 4711 is not a UUID\. One looks like [0-9a-f-]{36}; leave it out to get a new one\. \[usage\]/,
    );
  });

  it('an over-long name is refused with the limit', async () => {
    using folder = newFolder();
    const { code, stderr } = await runCli(['append', 'x'.repeat(1_025), '-t', 'T'], { cwd: folder.path });
    assert.equal(code, 2);
    assert.match(stderr, /1025 bytes, and a name has at most 1024\. \[invalid-stream-name\]/);
    const type = await runCli(['append', 'a-1', '-t', 'T'.repeat(257)], { cwd: folder.path });
    assert.equal(type.code, 2);
    assert.match(type.stderr, /at most 256.*\[invalid-event\]/);
  });

  it('an event over the limit is refused with its size and the way out', async () => {
    using folder = newFolder();
    const data = JSON.stringify('x'.repeat(1024 * 1024));
    const { code, stderr } = await runCli(['append', 'a-1', '-t', 'T', '-d', '-'], { cwd: folder.path, input: data });
    assert.equal(code, 2);
    assert.match(stderr, /1048578 bytes; the limit is 1048576\. Store large things elsewhere.*\[event-too-large\]/);
  });

  it('a port in use is said to be in use', async () => {
    using folder = newFolder();
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      const words = ['serve', '--dev', '--port', String(port), '--store', 'memory:'];
      const { code, stderr } = await runCli(words, { cwd: folder.path });
      assert.equal(code, 6);
      assert.match(stderr, new RegExp(`${port}.* in use.*--port`));
    } finally {
      other.close();
    }
  });

  it('a file that is no store is not touched', async () => {
    using folder = newFolder();
    for (const [name, text] of [
      ['notes.txt', 'Dear diary, this is not a database.'],
      ['empty-ish.db', 'x'],
    ] as const) {
      writeFileSync(folder.file(name), text);
      for (const words of [['streams'], ['append', 'a-1', '-t', 'T'], ['verify']]) {
        const { code, stderr } = await runCli([...words, '--store', name], { cwd: folder.path });
        assert.equal(code, 3, stderr);
        assert.match(stderr, new RegExp(`${name} is not a Daybook store.*\\[not-a-store\\]`));
      }
      assert.equal(readFileSync(folder.file(name), 'utf8'), text);
    }
  });

  it('a database of somebody else is not touched', async () => {
    using folder = newFolder();
    const path = folder.file('shop.db');
    new DatabaseSync(path).exec('CREATE TABLE customers (name TEXT); INSERT INTO customers VALUES (1);');
    const before = readFileSync(path);
    const { code, stderr } = await runCli(['append', 'a-1', '-t', 'T', '--store', path], { cwd: folder.path });
    assert.equal(code, 3);
    assert.match(stderr, /is not a Daybook store.*\[not-a-store\]/);
    assert.deepEqual(readFileSync(path), before);
  });

  it('a file of a newer format is refused, not touched, nor what is beside it, and the way out is to upgrade', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    // Whoever wrote it was killed: its write-ahead file is still there.
    const server = startCli(['serve', '--dev', '--port', '0'], { cwd });
    await written(server, collect(server.stdout), /esdb:/);
    assert.equal((await runCli(['append', 'a-1', '-t', 'T'], { cwd })).code, 0);
    server.kill('SIGKILL');
    await once(server, 'close');
    const file = openSync(folder.file('daybook.db'), 'r+');
    writeSync(file, Buffer.from([0, 0, 0, 99]), 0, 4, 60); // SQLite keeps `user_version` there.
    closeSync(file);
    const files = (): readonly (readonly [string, string])[] =>
      readdirSync(cwd)
        .toSorted()
        .map((name) => [name, readFileSync(folder.file(name), 'base64')]);
    const before = files();
    for (const beside of ['-head', '-index', '-shm', '-wal']) {
      assert.ok(before.some(([name, bytes]) => name === `daybook.db${beside}` && bytes !== ''));
    }
    const uses = [
      ['read', 'a-1'],
      ['append', 'a-1', '-t', 'T'],
      ['serve', '--dev', '--port', '0'],
      ['streams'],
      ['verify'],
      ['scavenge'],
      ['backup', 'create', 'copy.db'],
    ];
    for (const words of uses) {
      const { code, stderr } = await runCli(words, { cwd });
      assert.equal(code, 10, stderr);
      assert.match(stderr, /has format 99, and this .* knows formats up to \d+\. Upgrade Daybook\. \[newer-format\]/);
      assert.deepEqual(files(), before, words.join(' '));
    }
  });

  it('a full disk refuses the append, and keeps what was acknowledged', () => {
    using folder = newFolder();
    using other = newFolder();
    const data = other.file('data.json');
    writeFileSync(data, JSON.stringify('x'.repeat(300_000)));
    const script = `
      mount -t tmpfs -o size=4m none "$0" && cd "$0" && head -c 2600000 /dev/zero >filler || exit 99
      acknowledged=0
      while "$1" "$2" append Big-1 --type Grown --data "@$3" --quiet >/dev/null 2>error; do
        acknowledged=$((acknowledged + 1))
      done
      "$1" "$2" append Big-1 --type Grown --data "@$3" >/dev/null; code=$?
      rm filler error
      "$1" "$2" append Big-1 --type Grown --data "@$3" --quiet >/dev/null || exit 98
      echo "$code $acknowledged $("$1" "$2" read Big-1 --ndjson | wc -l)"`;
    const { stdout, stderr } = inNamespace(script, folder.path, data);
    const [code, acknowledged = 0, read] = stdout.trim().split(' ').map(Number);
    assert.equal(code, 74, stderr);
    assert.match(stderr, /is full\. Nothing was written\. Free some space.*\[disk-full\]/);
    assert.ok(acknowledged > 0);
    assert.equal(read, acknowledged + 1);
  });

  it('a read-only disk refuses the append, and keeps what was acknowledged', () => {
    using folder = newFolder();
    const script = `
      mount -t tmpfs -o size=8m none "$0" && cd "$0" || exit 99
      "$1" "$2" append a-1 --type T --quiet >/dev/null
      mount -o remount,ro "$0" || exit 99
      "$1" "$2" append a-1 --type T >/dev/null; code=$?
      mount -o remount,rw "$0" || exit 99
      echo "$code $("$1" "$2" read a-1 --ndjson | wc -l)"`;
    const { stdout, stderr } = inNamespace(script, folder.path);
    assert.equal(stdout.trim(), '74 1', stderr);
    assert.match(stderr, /cannot be written to.*\[store-read-only\]/);
  });
});

/** Runs a script that may mount a disk of its own: `$0` is a folder, `$1 $2` the command. */
function inNamespace(script: string, folder: string, data = ''): { readonly stdout: string; readonly stderr: string } {
  const words = ['--map-root-user', '--mount', 'sh', '-c', script, folder, process.execPath, daybook, data];
  const { stdout, stderr, status } = spawnSync('unshare', words, { encoding: 'utf8', timeout: 60_000 });
  assert.notEqual(status, 99, `No disk can be mounted here: ${stderr}`);
  return { stdout, stderr };
}
