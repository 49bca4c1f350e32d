import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { newFolder } from './support/folder.ts';
import { importGolden } from './support/golden-file.ts';
import { runCli } from './support/run-cli.ts';

const stream = 'CustomerOrder-123456789';

describe('exit codes', { concurrency: 3 }, () => {
  const folder = newFolder();
  before(() => importGolden(folder));
  after(() => folder[Symbol.dispose]());

  const cases: readonly (readonly [code: number, what: string, words: readonly string[], sentence: RegExp])[] = [
    [0, 'something was read', ['read', stream], /^$/],
    [0, 'help was asked for', ['help', 'append'], /^$/],
    [0, 'a command says how it is used', ['stream', 'show', '--help'], /^$/],
    [2, 'an option is unknown', ['read', stream, '--jsn'], /Unknown option '--jsn'.*--json.*\[usage\]/],
    [2, 'a command is unknown', ['apend'], /Unknown command 'apend'.*append.*\[usage\]/],
    [2, 'a command below a command is unknown', ['stream', 'shw'], /Unknown command 'shw'.*show.*\[usage\]/],
    [2, 'an argument is missing', ['read'], /Missing required argument 'stream'/],
    [2, 'a place means nothing', ['read', stream, '--from', '-1'], /--from -1 is no place/],
    [2, 'a time means nothing', ['read', stream, '--since', 'yesterday'], /--since yesterday is no time.*8d/],
    [2, 'two formats are asked for', ['streams', '--json', '--ndjson'], /Give one of them/],
    [2, 'two beginnings are named', ['read', stream, '--from', '1', '--since', '1d'], /two beginnings/],
    [
      2,
      'an expectation means nothing',
      ['append', 'a-1', '-t', 'T', '-e', 'maybe'],
      /--expected maybe says nothing.*no-stream/,
    ],
    [
      2,
      'a derived stream is appended to',
      ['append', '$ce-a', '-t', 'T'],
      /derived from the log.*\[read-only-stream\]/,
    ],
    [2, 'the store speaks another language', ['streams', '--store', 'mysql://x'], /no store speaks mysql/],
    [
      3,
      'there is no such stream',
      ['read', 'Nope-1'],
      /There is no stream Nope-1\. See daybook streams\. \[not-found\]/,
    ],
    [3, 'there is no such stream to show', ['stream', 'show', 'Nope-1'], /There is no stream Nope-1/],
    [
      3,
      'there is no store',
      ['streams', '--store', 'nope.db'],
      /nope\.db.*append an event to make one.*\[not-a-store\]/,
    ],
    [3, 'a file is not there', ['import', 'nope.ndjson'], /nope\.ndjson is not there\. \[ENOENT\]/],
    [
      4,
      'another writer was first',
      ['append', stream, '-t', 'T', '-e', '1'],
      /is at 2; the writer expected 1\..*--expected any.*\[wrong-expected-revision\]/,
    ],
    [4, 'a stream is there that should not be', ['append', stream, '-t', 'T', '-e', 'no-stream'], /is at 2/],
    [
      6,
      'no server answers',
      ['streams', '--store', 'esdb://127.0.0.1:9?tls=false'],
      /cannot be reached.*\[store-unavailable\]/,
    ],
    [10, 'something irrevocable was not confirmed', ['stream', 'tombstone', stream], /for good\. Say --yes/],
    [10, 'a file would be overwritten', ['export', '--output', 'golden.ndjson'], /is there already.*--force/],
  ];
  for (const [code, what, words, sentence] of cases) {
    it(`${code} when ${what}`, async () => {
      const result = await runCli(words, { cwd: folder.path });
      assert.equal(result.code, code, result.stderr);
      assert.match(result.stderr.trim(), sentence);
      if (code !== 0) {
        assert.equal(result.stdout, '');
        assert.match(result.stderr, /^✗ .* \[[a-zA-Z-]+\]\n$/);
      }
    });
  }

  it('0 when the same event is appended twice, and it is there once', async () => {
    const words = ['append', 'Twice-1', '--type', 'Sent', '--id', 'c0ffee00-0000-4000-8000-000000000001', '--json'];
    const first = await runCli(words, { cwd: folder.path });
    const second = await runCli(words, { cwd: folder.path });
    assert.deepEqual([first.code, second.code], [0, 0]);
    assert.deepEqual([JSON.parse(first.stdout).outcome, JSON.parse(second.stdout).outcome], ['appended', 'repeated']);
    assert.equal(JSON.parse(second.stdout).revision, '0');
  });

  it('4 when a stream is closed for good', async () => {
    assert.equal((await runCli(['append', 'Closed-1', '-t', 'T'], { cwd: folder.path })).code, 0);
    assert.equal((await runCli(['stream', 'tombstone', 'Closed-1', '--yes'], { cwd: folder.path })).code, 0);
    const { code, stderr } = await runCli(['append', 'Closed-1', '-t', 'T'], { cwd: folder.path });
    assert.equal(code, 4);
    assert.match(stderr, /tombstoned: closed for good\. Choose another name\. \[stream-tombstoned\]/);
  });
});
