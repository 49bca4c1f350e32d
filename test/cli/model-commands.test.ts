import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';

import { configured, confirmed, mailsConfig, mailsService } from './support/mails-service.ts';
import { collect, runCli, startCli, startInTerminal, written } from './support/run-cli.ts';

describe('daybook model', () => {
  it('O-13 rebuilds, finds what was changed by hand, says who did it to which event, repairs it, and keeps who and why', async () => {
    using folder = await mailsService();
    const cwd = folder.path;
    const built = await runCli(['model', 'rebuild', 'mails', ...confirmed, '--json'], { cwd });
    assert.equal(built.code, 0, built.stderr);
    const database = new DatabaseSync(folder.file('mails.db'));
    database.exec(`UPDATE mails SET subject = 'spam'`);
    database.close();
    const verified = await runCli(['model', 'verify', 'mails', ...configured], { cwd });
    assert.equal(verified.code, 8, verified.stderr);
    assert.equal(
      verified.stdout,
      'mails\tCustomerOrder-123456789\tforeign-write\tsubject\tShipmentEmailSent 2@CustomerOrder-123456789\n',
    );
    assert.match(verified.stderr, /daybook model repair mails/);
    const key = 'stream=CustomerOrder-123456789';
    const blamed = await runCli(
      ['model', 'blame', 'mails', key, '--table', 'mails', '--column', 'subject', ...configured, '--json'],
      { cwd },
    );
    const { event, after } = JSON.parse(blamed.stdout) as Readonly<Record<string, unknown>>;
    assert.deepEqual([event, after], ['ShipmentEmailSent 2@CustomerOrder-123456789', 'Your Jet.com order shipped!']);
    const repaired = await runCli(['model', 'repair', 'mails', ...confirmed, '--json'], { cwd });
    assert.equal((JSON.parse(repaired.stdout) as { readonly rows: number }).rows, 1, repaired.stderr);
    const again = await runCli(['model', 'verify', 'mails', ...configured], { cwd });
    assert.deepEqual([again.code, again.stdout], [0, '']);
    const kept = await runCli(['read', '$ops-mails', '--ndjson'], { cwd });
    assert.match(kept.stdout, /ReadModelRebuilt[\s\S]*ReadModelRepaired[\s\S]*"who":"ann","why":"a test"/);
    const located = await runCli(['model', 'locate', 'mails', ...configured, '--json'], { cwd });
    assert.match(located.stdout, /"event":"ShipmentEmailSent 2@CustomerOrder-123456789"/);
    const listed = await runCli(['model', 'ls', ...configured], { cwd });
    assert.match(listed.stdout, /^mails\t\S+\t\d+\t0\t20\d\d-/);
  });

  it('changes nothing without --yes, and says with --dry-run what it would do', async () => {
    using folder = await mailsService();
    const cwd = folder.path;
    const refused = await runCli(['model', 'rebuild', 'mails', ...configured, '--why', 'a test'], { cwd });
    assert.deepEqual([refused.code, refused.stdout], [10, '']);
    assert.match(refused.stderr, /--dry-run/);
    const rehearsed = await runCli(['model', 'rebuild', 'mails', ...configured, '--dry-run'], { cwd });
    assert.equal(rehearsed.code, 0, rehearsed.stderr);
    assert.match(rehearsed.stderr, /3 events behind[\s\S]*Nothing was changed/);
    const nobody = await runCli(['model', 'rebuild', 'mails', ...configured, '--yes'], { cwd });
    assert.equal(nobody.code, 2);
    assert.match(nobody.stderr, /--why/);
  });

  it('says what is wrong with a config, and which read models there are', async () => {
    using folder = await mailsService();
    const cwd = folder.path;
    const other = await runCli(['model', 'verify', 'males', ...configured], { cwd });
    assert.equal(other.code, 3);
    assert.match(other.stderr, /names no read model males\. It names mails\./);
    assert.equal((await runCli(['model', 'ls'], { cwd })).code, 3);
    writeFileSync(folder.file('empty.mjs'), 'export const readModels = [1];');
    const wrong = await runCli(['model', 'ls', '--config', 'empty.mjs'], { cwd });
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /readModels\[0\] is not/);
  });

  it('says which read model has a database that cannot be opened', async () => {
    using folder = await mailsService();
    writeFileSync(folder.file('daybook.config.mjs'), mailsConfig.replace("'mails.db'", "'not/there/mails.db'"));
    const { code, stderr } = await runCli(['model', 'ls', ...configured], { cwd: folder.path });
    assert.deepEqual([code, stderr.includes('The database of mails cannot be opened')], [6, true], stderr);
  });

  it('A-V11 is probed by check model: bad while events wait, well when it has seen them', async () => {
    using folder = await mailsService();
    const cwd = folder.path;
    const before = await runCli(['check', 'model', 'mails', ...configured], { cwd });
    assert.deepEqual(
      [before.code, before.stdout.slice(0, 51)],
      [2, 'CRITICAL: mails has never run, and 3 events wait, t'],
    );
    await runCli(['model', 'rebuild', 'mails', ...confirmed], { cwd });
    const after = await runCli(['check', 'model', 'mails', ...configured, '--format', 'json'], { cwd });
    assert.equal(after.code, 0, after.stderr);
    assert.equal((JSON.parse(after.stdout) as { readonly lagEvents: number }).lagEvents, 0);
    const unverified = await runCli(['check', 'model', 'mails', ...configured, '--max-unverified', '1d'], { cwd });
    assert.equal(unverified.code, 1, unverified.stdout);
  });

  it('B2 verifies continuously until Ctrl-C: a line of JSON for each round, 8 when it ends with drift, and the rest sees it', async () => {
    using folder = await mailsService();
    const cwd = folder.path;
    await runCli(['model', 'rebuild', 'mails', ...confirmed], { cwd });
    const words = ['model', 'verify', 'mails', ...configured, '--continuous', '--every', '1s', '--share', '100%'];
    const verifying = startCli(words, { cwd });
    const data = collect(verifying.stdout);
    const talk = collect(verifying.stderr);
    await written(verifying, data, /"verifiedRows":1,.*"differing":0,/);
    const database = new DatabaseSync(folder.file('mails.db'));
    database.exec(`UPDATE mails SET subject = 'spam'`);
    database.close();
    await written(verifying, data, /"differing":1,.*"class":"foreign-write"/);
    verifying.kill('SIGINT');
    const [code]: readonly unknown[] = await once(verifying, 'close');
    assert.equal(code, 8, talk());
    assert.match(talk(), /mails differs in 1 row\. Repair it: daybook model repair mails\./);
    for (const line of data().trimEnd().split('\n'))
      assert.ok(Date.parse(Reflect.get(Object(JSON.parse(line)), 'time')));
    const listed = await runCli(['model', 'ls', ...configured], { cwd });
    assert.match(listed.stdout, /^mails\tdrifted\t\d+\t0\t20\S+\t0\/1\n$/);
    const checked = await runCli(['check', 'model', 'mails', ...configured], { cwd });
    assert.deepEqual(
      [checked.code, checked.stdout.slice(0, 46)],
      [2, 'CRITICAL: mails differs from the log in 1 rows'],
    );
    await runCli(['model', 'repair', 'mails', ...confirmed], { cwd });
    const after = startCli(words, { cwd });
    const healthy = collect(after.stdout);
    await written(after, healthy, /"differing":0,/);
    after.kill('SIGINT');
    assert.deepEqual(await once(after, 'close'), [0, null]);
  });

  it('says a round of a continuous verification in a line, in a window', async () => {
    using folder = await mailsService();
    const cwd = folder.path;
    const words = ['model', 'verify', 'mails', ...configured, '--continuous', '--share', '100%'];
    const none = startInTerminal(words, { cwd, columns: 120 });
    const screen = collect(none.stdout);
    await written(none, screen, /not compared: The read model "mails" has never run on this database/);
    none.kill();
    await once(none, 'close');
    await runCli(['model', 'rebuild', 'mails', ...confirmed], { cwd });
    const second = startInTerminal(words, { cwd, columns: 120 });
    const said = collect(second.stdout);
    await written(
      second,
      said,
      /1\/1 verified, all by 20\S+ {2}0 differ {2}1 row and 3 events in [\d.]+ s {2}position \d+/,
    );
    second.kill();
    await once(second, 'close');
  });

  it('does not verify what has never run', async () => {
    using folder = await mailsService();
    const { code, stderr } = await runCli(['model', 'verify', 'mails', ...configured], { cwd: folder.path });
    assert.equal(code, 3);
    assert.match(stderr, /\[read-model-missing\]/);
  });
});
