import assert from 'node:assert/strict';
import { symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { causedBy, causeOf, streamName } from 'daybook';
import { command, events, handle, trusted, view } from 'daybook/decider';
import { openSqliteStore } from 'daybook/sqlite';

import { newFolder } from './support/folder.ts';
import { importGolden } from './support/golden-file.ts';
import { runCli, runInTerminal, type CliResult } from './support/run-cli.ts';

const stream = 'CustomerOrder-123456789';

const module = `
import { events, trusted, view } from 'daybook/decider';
const types = { OrderShipped: trusted<{ shipped_on: string }>(), ShipmentEmailSent: trusted<{ total: string }>() };
const Order = events('CustomerOrder', types);
export const shipment = view(Order, {
  initial: (id) => ({ id, shippedOn: undefined as string | undefined, mails: 0n }),
  evolve: {
    OrderShipped: (state, { data }) => ({ ...state, shippedOn: data.shipped_on }),
    ShipmentEmailSent: (state) => ({ ...state, mails: state.mails + 1n }),
  },
});
export const total = view(Order, { initial: () => '0', evolve: { ShipmentEmailSent: (_, { data }) => data.total } });
`;

describe('daybook state', { concurrency: 3 }, () => {
  const folder = newFolder();
  before(async () => {
    await importGolden(folder);
    writeFileSync(folder.file('order.ts'), module);
    writeFileSync(folder.file('one.ts'), `export { total } from './order.ts';`);
    writeFileSync(folder.file('none.ts'), `export const total = 1;`);
    writeFileSync(folder.file('broken.ts'), `import './nowhere.ts';`);
    writeFileSync(folder.file('package.json'), `{"type":"module"}`);
    symlinkSync(`${dirname(dirname(import.meta.dirname))}/node_modules`, folder.file('node_modules'));
  });
  after(() => folder[Symbol.dispose]());
  const cli = (...words: readonly string[]): Promise<CliResult> => runCli(words, { cwd: folder.path });

  const keys = async (at: string): Promise<readonly string[]> => {
    const { stdout, stderr } = await cli('state', stream, '--at', at, '--json');
    assert.equal(stderr, '');
    return [JSON.parse(stdout).revision, ...Object.keys(JSON.parse(stdout).state)];
  };

  it('A-F9: shows the last value of each member, byte for byte, and the event that it comes from', async () => {
    const { stdout, code } = await cli('state', stream, '--json');
    assert.equal(code, 0);
    assert.ok(stdout.includes('"state":{"scanned_on":"2016-08-08T20:05:00.0000000Z","scanned_by":'));
    assert.deepEqual(Object.keys(JSON.parse(stdout)), ['stream', 'revision', 'position', 'created', 'state']);
    const rows = (await cli('state', stream)).stdout.trim().split('\n');
    assert.equal(rows.length, 13);
    assert.deepEqual(rows[4]?.split('\t'), ['carrier', '1 OrderShipped', '2016-08-08T22:10:00.017Z', '"fedex"']);
  });

  it('A-F9: shows it as it was, at a revision, at a time, and before everything', async () => {
    assert.deepEqual(await keys('0'), ['0', 'scanned_on', 'scanned_by', 'dock']);
    assert.deepEqual(await keys('2016-08-08T22:09:59Z'), ['0', 'scanned_on', 'scanned_by', 'dock']);
    assert.equal((await keys('2016-08-08T22:10:00.017Z')).length, 9);
    assert.equal((await keys('1h')).length, 14);
    assert.deepEqual(await keys('2015-01-01'), [undefined]);
  });

  it('A-F8: lets a later event correct an earlier one', async () => {
    using other = newFolder();
    const { path: cwd } = other;
    for (const data of ['{"total": 1.0, "by": "ann"}', '{"total": 2.50}', '[3]']) {
      assert.equal((await runCli(['append', 'Bill-1', '-t', 'BillWritten', '-d', data], { cwd })).code, 0);
    }
    const { stdout } = await runCli(['state', 'Bill-1', '--json'], { cwd });
    assert.match(stdout, /"state":\{"total":2\.50,"by":"ann"\}\}\n$/);
  });

  it('shows what a view of a module makes of the events', async () => {
    const { stdout, stderr } = await cli('state', stream, '--view', 'order.ts#shipment', '--json');
    assert.deepEqual(
      [stderr, JSON.parse(stdout).state],
      ['', { id: '123456789', shippedOn: '2016-08-08T22:10:00.0000000Z', mails: '1' }],
    );
    const early = await cli('state', stream, '--view', 'order.ts#shipment', '--at', '0');
    assert.equal(early.stdout, 'id\t123456789\nmails\t0\n');
    assert.equal((await cli('state', stream, '--view', 'one.ts')).stdout, "'100.00'\n");
  });

  it('is a table for people, with the place it is about', async () => {
    const words = ['state', stream, '--at', '0'];
    const { screen } = await runInTerminal(words, { cwd: folder.path, columns: 80, env: { NO_COLOR: '1' } });
    assert.equal(
      screen,
      [
        'MEMBER      SET BY              VALUE',
        'scanned_on  0 AwaitingShipment  "2016-08-08T20:05:00.0000000Z"',
        'scanned_by  0 AwaitingShipment  "thor.odinson@jet.com"',
        'dock        0 AwaitingShipment  "12"',
        '1 event, up to 0 AwaitingShipment, 2016-08-08T20:05:00.031Z',
        '',
      ].join('\n'),
    );
  });

  const refusals: readonly (readonly [code: number, words: readonly string[], sentence: RegExp])[] = [
    [3, ['state', 'Nope-1'], /There is no stream Nope-1/],
    [2, ['state', '$ce-CustomerOrder'], /gathers events of many streams, which have no state together/],
    [2, ['state', stream, '--at', 'then'], /--at then is no time/],
    [2, ['state', stream, '--view', 'order.ts'], /which one\? It exports shipment, total\. Give order\.ts#shipment/],
    [2, ['state', stream, '--view', 'order.ts#x'], /exports no view x\. It exports shipment, total/],
    [2, ['state', stream, '--view', 'none.ts'], /it exports no view/],
    [1, ['state', stream, '--view', 'broken.ts'], /broken\.ts cannot be loaded: .*nowhere/],
    [1, ['state', stream, '--view', 'gone.ts'], /gone\.ts cannot be loaded/],
  ];
  for (const [code, words, sentence] of refusals) {
    it(`ends with ${code} for ${words.slice(1).join(' ')}`, async () => {
      const result = await cli(...words);
      assert.match(result.stderr, sentence);
      assert.deepEqual([result.code, result.stdout], [code, '']);
    });
  }

  it('refuses a view of another category', async () => {
    await cli('append', 'Cart-1', '-t', 'ItemAdded');
    const result = await cli('state', 'Cart-1', '--view', 'order.ts#total');
    assert.match(result.stderr, /total is a view of CustomerOrder, and Cart-1 is no such stream/);
    assert.equal(result.code, 2);
  });
});

describe('daybook trace', { concurrency: 3 }, () => {
  const folder = newFolder();
  const commandId = '4b3a8c0e-57a1-4c53-9d0b-0d1f6a3c2b10';
  before(async () => {
    let nowMs = Date.parse('2026-01-01T00:00:00Z');
    const Shop = events('Shop', { OrderPlaced: trusted<number>(), StockTaken: trusted<number>() });
    const anything = view(Shop, { initial: () => 0, evolve: {} });
    const place = command(anything, trusted<number>(), (count) => [Shop.OrderPlaced(count), Shop.StockTaken(count)]);
    const take = command(anything, trusted<number>(), (count) => [Shop.StockTaken(count)]);
    await using store = await openSqliteStore(folder.file('daybook.db'), { now: () => nowMs });
    await handle(store, place, '1', 7, { commandId });
    const [placed] = await Array.fromAsync(store.readStream(streamName('Shop-1')));
    assert.ok(placed);
    nowMs += 2_500;
    await causedBy(causeOf(placed), () => handle(store, take, '2', 1, { commandId: crypto.randomUUID() }));
    nowMs += 3_600_000;
    await causedBy(causeOf(placed), () => handle(store, take, '3', 1, { commandId: crypto.randomUUID() }));
  });
  after(() => folder[Symbol.dispose]());

  it('A-K11: draws what caused what, with the time that it took', async () => {
    const words = ['trace', commandId];
    const { screen } = await runInTerminal(words, { cwd: folder.path, columns: 80, env: { NO_COLOR: '1' } });
    assert.equal(
      screen,
      [
        'EVENT          AFTER  STREAM',
        'OrderPlaced     0 ms  0@Shop-1',
        '├─ StockTaken  2.5 s  0@Shop-2',
        '└─ StockTaken    1 h  0@Shop-3',
        'StockTaken      0 ms  1@Shop-1',
        '4 events',
        '',
      ].join('\n'),
    );
  });

  it('A-K11: gives the same to programs, with depth and cause', async () => {
    const { stdout } = await runCli(['trace', commandId, '--ndjson'], { cwd: folder.path });
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      lines.map(({ depth, causationId, stream: name }) => [depth, causationId, name]),
      [
        [0, commandId, 'Shop-1'],
        [1, commandId, 'Shop-2'],
        [1, commandId, 'Shop-3'],
        [0, commandId, 'Shop-1'],
      ],
    );
    const plain = await runCli(['trace', commandId], { cwd: folder.path });
    assert.equal(plain.stdout.split('\n')[1]?.split('\t')[1], '1');
  });

  it('says that there is no such chain', async () => {
    const { code, stderr } = await runCli(['trace', 'nobody'], { cwd: folder.path });
    assert.equal(code, 3);
    assert.match(stderr, /No event has the correlation id nobody\. \[not-found\]/);
  });
});

const shipped = (id: number, created: string): string =>
  JSON.stringify({ stream: `CustomerOrder-${id}`, type: 'OrderShipped', data: {}, created });

describe('daybook absent', { concurrency: 3 }, () => {
  const folder = newFolder();
  const asked = ['absent', '--has', 'OrderShipped', '--lacks', 'ShipmentEmailSent', '--within'] as const;
  before(async () => {
    await importGolden(folder);
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString(); // By another clock: not due yet, however long it takes.
    const input = `${shipped(8, '2016-09-01T00:00:00Z')}\n${shipped(9, tomorrow)}\n`;
    await runCli(['import', '-'], { cwd: folder.path, input });
  });
  after(() => folder[Symbol.dispose]());
  const cli = (...words: readonly string[]): Promise<CliResult> => runCli(words, { cwd: folder.path });

  it('A-E13: shows the shipment without a mail, and not the one that is not due yet', async () => {
    const { stdout, code } = await cli(...asked, '1h');
    assert.equal(code, 0);
    const [line = '', ...others] = stdout.trim().split('\n');
    assert.deepEqual(others, []);
    assert.deepEqual(line.split('\t').slice(0, 4), [
      '0@CustomerOrder-8',
      '2016-09-01T00:00:00.000Z',
      '2016-09-01T01:00:00.000Z',
      'absent',
    ]);
  });

  it('A-E13: shows what came late too, when it is asked', async () => {
    const { stdout } = await cli(...asked, '2s', '--late', '--json');
    const rows = JSON.parse(stdout) as readonly { stream: string; late?: { revision: string } }[];
    assert.deepEqual(
      rows.map(({ stream: name, late }) => [name, late?.revision]),
      [
        [stream, '2'],
        ['CustomerOrder-8', undefined],
      ],
    );
    assert.equal((await cli(...asked, '3s', '--late', '--json', '--category', 'Cart')).stdout, '[]\n');
  });

  it('A-E13: is a check that ends with 8, when it is asked', async () => {
    const { code, stderr } = await cli(...asked, '1h', '--check');
    assert.equal(code, 8);
    assert.match(stderr, /1 event: OrderShipped without ShipmentEmailSent within 1h\. \[check-failed\]/);
    assert.equal((await cli(...asked, '1h', '--check', '--since', '2020-01-01')).code, 0);
  });

  it('says what it needs', async () => {
    assert.match((await cli('absent', '--has', 'A', '--within', '1h')).stderr, /--lacks <type>/);
    assert.match((await cli(...asked, 'soon')).stderr, /--within soon is no duration: give 30s, 15m, 2h or 8d/);
  });
});
