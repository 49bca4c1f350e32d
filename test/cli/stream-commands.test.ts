import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';

import { newFolder } from './support/folder.ts';
import { importGolden } from './support/golden-file.ts';
import { collect, runCli, startCli } from './support/run-cli.ts';

const stream = 'CustomerOrder-123456789';

async function types(cwd: string, ...words: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await runCli(['read', ...words, '--ndjson'], { cwd });
  return stdout
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => String(JSON.parse(line).type));
}

describe('append', { concurrency: 3 }, () => {
  it('takes data from an argument, a file, or standard input, as they are', async () => {
    using folder = newFolder();
    writeFileSync(folder.file('data.json'), '{"a": 1.0}\n');
    const { path: cwd } = folder;
    await runCli(['append', 'a-1', '-t', 'Argument', '-d', '{"a": 1.0}'], { cwd });
    await runCli(['append', 'a-1', '-t', 'File', '-d', '@data.json'], { cwd });
    await runCli(['append', 'a-1', '-t', 'Input', '-d', '-'], { cwd, input: '{"a": 1.0}\n' });
    await runCli(['append', 'a-1', '-t', 'Nothing'], { cwd });
    const { stdout } = await runCli(['read', 'a-1'], { cwd });
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split('\t')[3]),
      ['{"a": 1.0}', '{"a": 1.0}', '{"a": 1.0}', '{}'],
    );
  });

  it('takes metadata from an argument or a file, and refuses what is no JSON', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    writeFileSync(folder.file('meta.json'), '{ "$causationId": "b" }\n');
    await runCli(['append', 'a-1', '-t', 'T', '--metadata', '{"$correlationId":"a"}'], { cwd });
    await runCli(['append', 'a-1', '-t', 'T', '-m', '@meta.json'], { cwd });
    const { stdout } = await runCli(['read', 'a-1', '--ndjson'], { cwd });
    const lines = stdout.trim().split('\n');
    assert.ok(lines[0]?.includes('"metadata":{"$correlationId":"a"}'), lines[0]);
    assert.ok(lines[1]?.includes('"metadata":{ "$causationId": "b" }'), lines[1]);
    const refused = await runCli(['append', 'a-1', '-t', 'T', '--metadata', '{no'], { cwd });
    assert.deepEqual([refused.code, /--metadata is not JSON/.test(refused.stderr)], [2, true], refused.stderr);
  });

  it('takes a batch, all or none', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    writeFileSync(folder.file('good.ndjson'), '{"type":"A","data":{}}\n{"type":"B","data":[1]}\n');
    writeFileSync(folder.file('bad.ndjson'), '{"type":"C","data":{}}\n{"data":{}}\n');
    const good = await runCli(['append', 'a-1', '--batch', 'good.ndjson', '-e', 'no-stream', '--json'], { cwd });
    assert.equal(good.code, 0, good.stderr);
    assert.deepEqual([JSON.parse(good.stdout).firstRevision, JSON.parse(good.stdout).revision], ['0', '1']);
    const bad = await runCli(['append', 'a-1', '--batch', 'bad.ndjson'], { cwd });
    assert.equal(bad.code, 2);
    assert.match(bad.stderr, /Line 2 of bad\.ndjson has no "type"/);
    assert.deepEqual(await types(cwd, 'a-1'), ['A', 'B']);
    const again = await runCli(['append', 'a-1', '--batch', 'good.ndjson', '--json'], { cwd });
    assert.equal(JSON.parse(again.stdout).outcome, 'repeated');
  });
});

describe('read', { concurrency: 3 }, () => {
  it('gives a part of a stream: from, backwards, limit, type, since', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    await importGolden(folder);
    assert.deepEqual(await types(cwd, stream, '--from', '1'), ['OrderShipped', 'ShipmentEmailSent']);
    assert.deepEqual(await types(cwd, stream, '--backwards', '--limit', '1'), ['ShipmentEmailSent']);
    assert.deepEqual(await types(cwd, '$all', '--type', 'OrderShipped'), ['OrderShipped']);
    assert.deepEqual(await types(cwd, stream, '--since', '2016-08-08T21:00:00Z'), [
      'OrderShipped',
      'ShipmentEmailSent',
    ]);
    assert.deepEqual(await types(cwd, '$all', '--since', '1d'), []);
    assert.deepEqual(await types(cwd, stream, '--from', 'start', '-n', '1'), ['AwaitingShipment']);
    assert.deepEqual(await types(cwd, stream, '--from', 'end'), ['ShipmentEmailSent']);
    assert.deepEqual(await types(cwd, stream, '--from', 'end', '--backwards', '-n', '1'), ['ShipmentEmailSent']);
    assert.deepEqual(await types(cwd, stream, '--from', 'start', '--backwards'), ['AwaitingShipment']);
  });

  it('gives the events of a derived stream, or the links that stand for them', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    await importGolden(folder);
    const derived = '$et-OrderShipped';
    const read = async (...words: readonly string[]): Promise<Record<string, unknown>> =>
      JSON.parse((await runCli(['read', derived, '--ndjson', ...words], { cwd })).stdout);
    const [event, link] = [await read(), await read('--no-resolve-links')];
    assert.deepEqual(
      [event['type'], event['stream'], event['link']],
      ['OrderShipped', stream, { stream: derived, revision: '0' }],
    );
    assert.deepEqual([link['type'], link['stream'], link['dataBase64']], ['$>', derived, btoa(`1@${stream}`)]);
  });

  it('takes types before and behind the stream, and a comma as a part of one', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    await importGolden(folder);
    await runCli(['append', stream, '-t', 'Sent,Twice'], { cwd });
    assert.deepEqual(await types(cwd, '--type', 'OrderShipped', stream), ['OrderShipped']);
    assert.deepEqual(await types(cwd, '-t', 'OrderShipped', '-t', 'Sent,Twice', '$all'), [
      'OrderShipped',
      'Sent,Twice',
    ]);
    const both = [stream, '--type', 'ShipmentEmailSent', '--type', 'OrderShipped', '--limit', '1'] as const;
    assert.deepEqual(await types(cwd, ...both), ['OrderShipped']);
    const { code, stderr } = await runCli(['read', stream, '--type', 'OrderShipped', 'ShipmentEmailSent'], { cwd });
    assert.deepEqual([code, /Too many arguments/.test(stderr)], [2, true], stderr);
  });

  it('A-P3: gives an event type of one category, or of several, and says where a category is', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    for (const [to, type] of [
      ['Order-1', 'Created'],
      ['Order-1', 'Shipped'],
      ['Cart-1', 'Created'],
      ['User-1', 'Created'],
    ] as const) {
      await runCli(['append', to, '-t', type, '-d', JSON.stringify(to)], { cwd });
    }
    const ofOrders = await runCli(['read', '$all', '--category', 'Order', '--type', 'Created', '--ndjson'], { cwd });
    assert.match(ofOrders.stdout, /^\{[^\n]*"stream":"Order-1"[^\n]*\}\n$/);
    const words = ['tail', '$all', '--category', 'User', '--category', 'Cart', '-a', 'start', '-n', '2', '--ndjson'];
    const { stdout } = await runCli(words, { cwd });
    assert.deepEqual(stdout.match(/"(?:Cart|User|Order)-1"/g), ['"Cart-1"', '"Cart-1"', '"User-1"', '"User-1"']);
    const refused = await runCli(['read', 'Order-1', '--category', 'Order'], { cwd });
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /'\$ce-Order'/);
  });

  it('A-E12: gives an audit of a stream: what happened, in order, who, when, and the id of each event', async () => {
    using folder = newFolder();
    await importGolden(folder);
    const { stdout } = await runCli(['read', stream, '--json'], { cwd: folder.path });
    const events = JSON.parse(stdout) as readonly {
      id: string;
      type: string;
      created: string;
      data: { scanned_by?: string };
    }[];
    assert.equal(events[0]?.data.scanned_by, 'thor.odinson@jet.com');
    assert.deepEqual(
      events.map(({ created }) => created),
      events.map(({ created }) => created).toSorted(),
    );
    assert.equal(new Set(events.map(({ id }) => id)).size, 3);
  });
});

describe('tail', { concurrency: 3 }, () => {
  it('shows what is appended by another process, and ends with Ctrl-C', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    await importGolden(folder);
    const tail = startCli(['tail', '$ce-CustomerOrder', '--ndjson'], { cwd });
    const shown = collect(tail.stdout);
    const talk = collect(tail.stderr);
    await once(tail.stderr, 'data');
    assert.match(talk(), /Caught up\. Waiting for events in \$ce-CustomerOrder; Ctrl-C ends it\./);
    const arrived = once(tail.stdout, 'data');
    await runCli(['append', 'CustomerOrder-7', '-t', 'OrderCreated'], { cwd });
    await arrived;
    tail.kill('SIGINT');
    const [code]: readonly unknown[] = await once(tail, 'close');
    assert.equal(code, 130);
    assert.deepEqual(JSON.parse(shown()).link, { stream: '$ce-CustomerOrder', revision: '3' });
  });

  it('begins where it is told to, and stops after so many', async () => {
    using folder = newFolder();
    await importGolden(folder);
    const { stdout, code } = await runCli(['tail', stream, '--after', '0', '-n', '2'], { cwd: folder.path });
    assert.equal(code, 0);
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split('\t')[0]),
      ['1', '2'],
    );
  });

  it('takes types before and behind the stream', async () => {
    using folder = newFolder();
    await importGolden(folder);
    const chosen = ['--type', 'ShipmentEmailSent', '-t', 'AwaitingShipment', stream, '--after', 'start', '-n', '2'];
    for (const words of [chosen, ['-n', '1', '-a', 'start', '$all', '-t', 'OrderShipped']]) {
      const { stdout, code, stderr } = await runCli(['tail', ...words, '--ndjson'], { cwd: folder.path });
      assert.equal(code, 0, stderr);
      const shown = stdout
        .trim()
        .split('\n')
        .map((line) => String(JSON.parse(line).type));
      assert.deepEqual(shown, words === chosen ? ['AwaitingShipment', 'ShipmentEmailSent'] : ['OrderShipped']);
    }
  });
});

describe('streams', { concurrency: 3 }, () => {
  it("are listed by prefix and category, with the system's when asked", async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    await importGolden(folder);
    for (const name of ['Cart-1', 'Cart-2', '$mine']) await runCli(['append', name, '-t', 'T'], { cwd });
    const names = async (...words: readonly string[]): Promise<readonly unknown[]> => {
      const { stdout } = await runCli(['streams', ...words], { cwd });
      return stdout
        .trim()
        .split('\n')
        .map((line) => line.split('\t')[3]);
    };
    assert.deepEqual(await names(), ['Cart-1', 'Cart-2', stream]);
    assert.deepEqual(await names('Cart-2'), ['Cart-2']);
    assert.deepEqual(await names('--category', 'Cart', '--limit', '1'), ['Cart-1']);
    assert.deepEqual(await names('--system'), ['$mine', 'Cart-1', 'Cart-2', stream]);
  });

  it('have metadata that can be shown and set', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    await importGolden(folder);
    assert.equal((await runCli(['stream', 'meta', stream], { cwd })).stdout, '{}\n');
    const set = await runCli(['stream', 'meta', stream, '--set', '{"$maxCount":2,"owner":"shop"}'], { cwd });
    assert.equal(set.code, 0, set.stderr);
    assert.deepEqual(JSON.parse((await runCli(['stream', 'meta', stream], { cwd })).stdout), {
      owner: 'shop',
      $maxCount: 2,
    });
    assert.deepEqual(await types(cwd, stream), ['OrderShipped', 'ShipmentEmailSent']);
    const bad = await runCli(['stream', 'meta', stream, '--set', '[1]'], { cwd });
    assert.equal(bad.code, 2);
    assert.match(bad.stderr, /--set is not an object/);
  });

  it('are hidden by delete and come back with the next append', async () => {
    using folder = newFolder();
    const { path: cwd } = folder;
    await importGolden(folder);
    assert.equal((await runCli(['stream', 'delete', stream], { cwd })).code, 0);
    const gone = await runCli(['read', stream], { cwd });
    assert.equal(gone.code, 3);
    assert.match(gone.stderr, /is deleted\. An append would bring it back\./);
    assert.equal((await runCli(['stream', 'delete', stream], { cwd })).code, 4);
    await runCli(['append', stream, '-t', 'Reopened'], { cwd });
    const { stdout } = await runCli(['read', stream, '--ndjson'], { cwd });
    assert.deepEqual([JSON.parse(stdout).type, JSON.parse(stdout).revision], ['Reopened', '3']);
  });
});
