import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { newFolder } from './support/folder.ts';
import { importGolden } from './support/golden-file.ts';
import { runCli } from './support/run-cli.ts';

const consumerRoom = fileURLToPath(new URL('../../packages/daybook/src/consumer/index.ts', import.meta.url));
const shopConfig = fileURLToPath(new URL('../../examples/orders/shop/daybook.config.ts', import.meta.url));

const mailing = `
import { consumer } from '${consumerRoom}';
const mailing = consumer('Mailing', { from: '$et-OrderShipped', startAt: 'beginning', handle: () => {} });
`;

const sqliteRoom = fileURLToPath(new URL('../../packages/daybook/src/sqlite/index.ts', import.meta.url));
const readModelRoom = fileURLToPath(new URL('../../packages/daybook/src/read-model/index.ts', import.meta.url));

/** A config with a read model, and how its database is opened. */
const shopModel = (db: string): string => `
import { readModel, sqliteDatabase } from '${readModelRoom}';
export const shop = readModel('shop', {
  from: ['$ce-CustomerOrder'],
  tables: { orders: { key: ['id'] } },
  migrate: (db) => db.schema.createTable('orders').addColumn('id', 'varchar(40)').execute(),
  on: {},
});
export const readModels = [{ model: shop, db: () => ${db} }];
`;

/** What goes on beating for a read model whose tables are empty, and says that they are full. */
const claiming = `
import { openSqliteStore } from '${sqliteRoom}';
import { publishStatus } from '${consumerRoom}';
await using store = await openSqliteStore('daybook.db');
await publishStatus(store, 'ConsumerHeartbeatSent', {
  consumer: 'shop', kind: 'read-model', state: 'live', since: new Date().toISOString(), parkedStreams: 0,
  sources: [{ stream: '$ce-CustomerOrder', pos: 2, lagEvents: 0 }],
  freshnessMs: 1, heartbeatMs: 60_000, host: 'here', holder: 'me',
});
`;

/** A folder with the golden order and a config. */
async function service(config: string): Promise<ReturnType<typeof newFolder>> {
  const folder = newFolder();
  writeFileSync(folder.file('daybook.config.ts'), config);
  await importGolden(folder);
  return folder;
}

describe('daybook.config.ts', () => {
  it('tells consumers ls of those that were never started, and where their events wait', async () => {
    using folder = await service(`${mailing} export const consumers = [mailing];`);
    const cwd = folder.path;
    const listed = await runCli(['consumers', 'ls', '--json'], { cwd });
    assert.equal(listed.code, 0, listed.stderr);
    const [look] = JSON.parse(listed.stdout) as readonly Readonly<Record<string, unknown>>[];
    assert.deepEqual([look?.['consumer'], look?.['state'], look?.['behindEvents']], ['Mailing', 'never-started', '1']);
    const shown = await runCli(['consumers', 'show', 'Mailing', '--json'], { cwd });
    assert.match(shown.stdout, /"state":"never-started"/);
    const alone = await runCli(['consumers', 'ls', '--no-config'], { cwd });
    assert.deepEqual([alone.code, alone.stdout], [0, '']);
  });

  it('B1: tells watch and check consumer who has to be there, without names', async () => {
    using folder = await service(`${mailing} export const consumers = [() => mailing];`);
    const cwd = folder.path;
    assert.equal((await runCli(['watch', '--once', '--no-config'], { cwd })).code, 0);
    const watched = await runCli(['watch', '--once'], { cwd });
    assert.equal(watched.code, 8, watched.stderr);
    assert.match(watched.stdout, /CRITICAL never-started: Mailing was never started/);
    const checked = await runCli(['check', 'consumer'], { cwd });
    assert.equal(checked.code, 2, checked.stderr);
    assert.match(checked.stdout, /^CRITICAL: Mailing was never started.*lag=1/);
    // The alert stands in the log, and a watch that does not know who has to be there cannot say that it is over.
    assert.equal((await runCli(['watch', '--once', '--no-config'], { cwd })).code, 8);
    const nobody = await runCli(['check', 'consumer', '--no-config'], { cwd });
    assert.deepEqual([nobody.code, nobody.stdout], [3, '']);
    assert.match(nobody.stderr, /none has ever run here/);
  });

  it('names read models too: they have to be there like consumers', async () => {
    using folder = newFolder();
    await importGolden(folder);
    const words = ['consumers', 'ls', '--config', shopConfig];
    const { stdout, code, stderr } = await runCli(words, { cwd: folder.path });
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t').slice(0, 2).join(' ')),
      ['EmailOnOrderShipped', 'OrderCache', 'PickOnPaymentAuthorized', 'ShipOnAwaitingShipment', 'shipments'].map(
        (name) => `${name} never-started`,
      ),
    );
  });

  it('B1: d: names databases that are asked, also one that never answers: no heartbeat counts, and no command hangs', async () => {
    using folder = await service(shopModel("sqliteDatabase('shop.db')"));
    const cwd = folder.path;
    writeFileSync(folder.file('claim.ts'), claiming);
    await promisify(execFile)(process.execPath, ['--conditions=@daybook/source', 'claim.ts'], { cwd });
    assert.equal((await runCli(['watch', '--once', '--no-config'], { cwd })).code, 0, 'the heartbeat is believed');
    const watched = await runCli(['watch', '--once'], { cwd });
    assert.equal(watched.code, 8, watched.stderr);
    assert.match(watched.stdout, /CRITICAL stalled: shop lives, and does not move.*; its heartbeat says 2\n$/);
    const [listed] = JSON.parse((await runCli(['consumers', '--json'], { cwd })).stdout) as Record<string, unknown>[];
    assert.deepEqual([listed?.['state'], listed?.['behindEvents']], ['stalled', '3']);
    writeFileSync(folder.file('daybook.config.ts'), shopModel('new Promise(() => {})'));
    const checked = await runCli(['check', 'consumer'], { cwd });
    assert.equal(checked.code, 2, checked.stderr);
    assert.match(
      checked.stdout,
      /^CRITICAL: shop has a database that does not say how far it is: .*has not answered for/,
    );
  });

  for (const [what, config, says] of [
    ['names nothing', 'export const consumer = [];', /names nothing: it exports consumer\. Export consumers = \[/],
    ['has no list', 'export const consumers = 1;', /consumers is no list/],
    [
      'has something else in the list',
      'export const consumers = [{ name: 1 }];',
      /consumers\[0\] is no consumer\. Give/,
    ],
    ['has a function without a consumer', 'export const consumers = [() => {}];', /gave no consumer\. Give/],
    ['says a strange place', 'export const consumers = [{ consumer: () => {}, effects: "x" }];', /Say 'in-log' or/],
    ['names one twice', `${mailing} export const consumers = [mailing, mailing];`, /names Mailing twice/],
  ] as const) {
    it(`that ${what} is refused in a sentence that says what to write`, async () => {
      using folder = await service(config);
      const { code, stderr, stdout } = await runCli(['consumers', 'ls'], { cwd: folder.path });
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, says);
    });
  }

  it('that cannot be loaded, or is not there, is no reason to look at less than was asked for', async () => {
    using folder = await service('this is no module');
    const broken = await runCli(['watch', '--once'], { cwd: folder.path });
    assert.equal(broken.code, 1);
    assert.match(broken.stderr, /daybook\.config\.ts cannot be loaded/);
    const missing = await runCli(['watch', '--once', '--config', 'other.ts'], { cwd: folder.path });
    assert.equal(missing.code, 3);
    assert.match(missing.stderr, /other\.ts is not there/);
  });
});
