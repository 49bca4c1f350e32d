import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';

import { newFolder } from './support/folder.ts';
import { goldenLines, importGolden } from './support/golden-file.ts';
import { collect, runCli, runInTerminal, startCli, type CliResult } from './support/run-cli.ts';

const stream = 'CustomerOrder-123456789';

describe('what is written', { concurrency: 3 }, () => {
  const folder = newFolder();
  before(() => importGolden(folder));
  after(() => folder[Symbol.dispose]());

  const piped = (...words: readonly string[]): Promise<CliResult> => runCli(words, { cwd: folder.path });
  const screen = async (columns: number, words: readonly string[], env?: Record<string, string>): Promise<string> =>
    (await runInTerminal(words, { cwd: folder.path, columns, ...(env && { env }) })).screen;

  it('to a pipe, is one event a line and tabs between the values, nothing left out', async () => {
    const { code, stdout, stderr } = await piped('read', stream);
    assert.equal(code, 0);
    assert.equal(stderr, '');
    const [line = '', ...others] = stdout.split('\n');
    assert.equal(others.length, 3);
    assert.deepEqual(line.split('\t'), [
      '0',
      'AwaitingShipment',
      '2016-08-08T20:05:00.031Z',
      '{"scanned_on":"2016-08-08T20:05:00.0000000Z","scanned_by":"thor.odinson@jet.com","dock":"12"}',
      '',
      '5233d05e-1678-4d53-bf7d-cc95e4b9522c',
      '1',
    ]);
  });

  it('A-E3: to a window of 80 columns, is a table whose names are whole', async () => {
    assert.equal(
      await screen(80, ['read', stream], { NO_COLOR: '1' }),
      [
        '#  TYPE               CREATED                   DATA',
        '0  AwaitingShipment   2016-08-08T20:05:00.031Z  {"scanned_on":"2016-08-08T20:05…',
        '1  OrderShipped       2016-08-08T22:10:00.017Z  {"fulfillment_center":"NJ1","ca…',
        '2  ShipmentEmailSent  2016-08-08T22:10:02.604Z  {"order_id":"123456789","total"…',
        '3 events',
        '',
      ].join('\n'),
    );
  });

  it('to a window of 120 columns, shows more', async () => {
    assert.equal(
      await screen(120, ['read', stream, '--limit', '1'], { NO_COLOR: '1' }),
      [
        '#  TYPE              CREATED                   DATA',
        '0  AwaitingShipment  2016-08-08T20:05:00.031Z  {"scanned_on":"2016-08-08T20:05:00.0000000Z","scanned_by":"thor.odinson@…',
        '1 event',
        '',
      ].join('\n'),
    );
  });

  it('has colours on a terminal, and none with NO_COLOR or in a pipe', async () => {
    assert.ok((await screen(80, ['streams'])).includes('\u001B[1m'));
    assert.ok(!(await screen(80, ['streams'], { NO_COLOR: '1' })).includes('\u001B'));
    assert.ok(!(await piped('streams')).stdout.includes('\u001B'));
  });

  it('is only data with --quiet', async () => {
    assert.ok(!(await screen(80, ['read', stream, '--quiet'])).includes('3 events'));
  });

  it('A-E6, A-E7: as JSON, has the stored text in it, byte for byte', async () => {
    const { stdout } = await piped('read', stream, '--ndjson');
    const [line = ''] = stdout.split('\n');
    assert.ok(
      line.includes(
        '"data":{"scanned_on":"2016-08-08T20:05:00.0000000Z","scanned_by":"thor.odinson@jet.com","dock":"12"}',
      ),
    );
    assert.equal(JSON.parse(line).revision, '0');
    const all = await piped('read', stream, '--json');
    assert.deepEqual(
      JSON.parse(all.stdout),
      stdout
        .trim()
        .split('\n')
        .map((each) => JSON.parse(each) as unknown),
    );
  });

  it('as JSON, is an empty list when there is nothing', async () => {
    assert.equal((await piped('read', stream, '--type', 'Nope', '--json')).stdout, '[]\n');
  });

  it('A-S7: of one stream, is how many events it has and where it stands', async () => {
    assert.equal(
      await screen(80, ['stream', 'show', stream], { NO_COLOR: '1' }),
      [
        'stream         CustomerOrder-123456789',
        'category       CustomerOrder',
        'status         exists',
        'events         3 events',
        'firstRevision  0',
        'revision       2',
        'position       3',
        'firstCreated   2016-08-08T20:05:00.031Z',
        'lastCreated    2016-08-08T22:10:02.604Z',
        'metadata       {}',
        '',
      ].join('\n'),
    );
  });

  it('of a category, shows the numbers of the derived stream and the events behind them', async () => {
    assert.equal(
      await screen(120, ['read', '$ce-CustomerOrder', '--limit', '1', '--backwards'], { NO_COLOR: '1' }),
      [
        '#  EVENT                      TYPE               CREATED                   DATA',
        '2  2@CustomerOrder-123456789  ShipmentEmailSent  2016-08-08T22:10:02.604Z  {"order_id":"123456789","total":"100.00","cu…',
        '1 event',
        '',
      ].join('\n'),
    );
    const { stdout } = await piped('read', '$et-OrderShipped', '--no-resolve-links', '--ndjson');
    assert.equal(Buffer.from(JSON.parse(stdout).dataBase64, 'base64').toString(), `1@${stream}`);
  });

  it('is an export that is the import again', async () => {
    assert.deepEqual((await piped('export')).stdout, `${goldenLines.join('\n')}\n`);
  });

  it('cannot move the cursor, whatever a name or an event says', async () => {
    const name = 'Evil-\u001B[2J\u202Egnp';
    using other = newFolder();
    const words = ['append', name, '--type', 'T\u0007', '--data', '"\u001B[31m"', '--binary'];
    assert.equal((await runCli(words, { cwd: other.path })).code, 0);
    for (const command of [['streams'], ['read', '$all'], ['stream', 'show', name], ['read', 'Evil-\u001B[0m']]) {
      const shown = (await runInTerminal(command, { cwd: other.path, columns: 120, env: { NO_COLOR: '1' } })).screen;
      // oxlint-disable-next-line no-control-regex -- They must not be there.
      assert.doesNotMatch(shown, /[\u0000-\u0009\u000B-\u001F\u007F\u202E]/);
    }
    assert.match((await runCli(['streams'], { cwd: other.path })).stdout, /Evil-\\x1b\[2J\\u202egnp/);
  });

  it('stops without a word when nobody reads it any more', async () => {
    using other = newFolder();
    const text = 'x'.repeat(200);
    const lines = Array.from(
      { length: 2_000 },
      (_, number) => `{"stream":"Many-1","type":"T","data":"${text}${number}"}`,
    );
    const input = lines.join('\n');
    assert.equal((await runCli(['import', '-'], { cwd: other.path, input })).code, 0);
    const child = startCli(['export'], { cwd: other.path });
    const talk = collect(child.stderr);
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const [code]: readonly unknown[] = await once(child, 'exit');
    assert.deepEqual([code, talk()], [0, '']);
  });

  it('is the version, when that is asked for', async () => {
    assert.match((await piped('--version')).stdout, /^\d+\.\d+\.\d+\n$/);
  });
});
