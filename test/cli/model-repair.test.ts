import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';

import { jsonEvent, streamName } from 'daybook';
import { requestControl } from 'daybook/consumer';
import { openSqliteStore } from 'daybook/sqlite';

import { configured, confirmed, mailsConfig, mailsService } from './support/mails-service.ts';
import { collect, runCli, startInTerminal, written } from './support/run-cli.ts';

/** Does something to the tables behind the read model's back. */
function spoil(path: string, statement: string): void {
  using database = new DatabaseSync(path);
  database.exec(statement);
}

const wrong = `UPDATE mails SET subject = 'spam <b>'`;

/** The mails of a shop where each takes a while. */
const slowConfig = mailsConfig
  .replace('ShipmentEmailSent: (event, tx) =>', 'ShipmentEmailSent: async (event, tx) =>')
  .replace('tx.insertInto', 'void (await new Promise((done) => setTimeout(done, 4))) ?? tx.insertInto');

describe('daybook model repair', () => {
  it('O-12 shows how far it is, how fast it goes and how long it will take, as it has measured itself', async () => {
    using folder = await mailsService();
    writeFileSync(folder.file('daybook.config.mjs'), slowConfig);
    {
      await using store = await openSqliteStore(folder.file('daybook.db'));
      const appends = Array.from({ length: 2_000 }, (_, order) => {
        const event = jsonEvent({ type: 'ShipmentEmailSent', data: { subject: 'Your order shipped!' } });
        return { stream: streamName(`CustomerOrder-${order}`), events: [event], expected: 'no-stream' as const };
      });
      await store.appendAll(appends);
    }
    const words = ['model', 'rebuild', 'mails', ...confirmed];
    const rebuilding = startInTerminal(words, { cwd: folder.path, columns: 120 });
    const screen = collect(rebuilding.stdout);
    await written(rebuilding, screen, /24 % {2}500 events folded {2}[\d,]+\/s {2}\d:\d\d left/);
    const [, perSecond = '', minutes = '', seconds = ''] =
      /500 events folded {2}([\d,]+)\/s {2}(\d+):(\d\d) left/.exec(screen()) ?? [];
    const rate = Number(perSecond.replaceAll(',', ''));
    const left = 60 * Number(minutes) + Number(seconds);
    // 1,503 events are left; the rate is rounded, and the time to the next second.
    assert.ok(rate > 0 && rate < 300, `${rate} a second, of events that take 4 ms each`);
    assert.ok(Math.abs(left - 1_503 / rate) <= 1 + 0.2 * left, `${rate} a second, ${left} s left`);
    rebuilding.kill();
    await once(rebuilding, 'close');
  });

  it('B4 says which way it would go and about how long that takes, goes it, and writes down what happened', async () => {
    using folder = await mailsService();
    const cwd = folder.path;
    await runCli(['model', 'rebuild', 'mails', ...confirmed], { cwd });
    const nothing = await runCli(['model', 'repair', 'mails', ...configured, '--dry-run'], { cwd });
    assert.match(nothing.stderr, /0 rows differ there\.\nThe way: nothing to do\. That takes about 1 s\./);
    spoil(folder.file('mails.db'), wrong);
    const planned = await runCli(['model', 'repair', 'mails', ...configured, '--dry-run'], { cwd });
    assert.equal(planned.code, 0, planned.stderr);
    assert.match(planned.stdout, /^mails\tCustomerOrder-123456789\tforeign-write\tsubject\t/);
    assert.match(
      planned.stderr,
      /1 row differ there\.\nThe way: put the rows that differ right, one by one\. That takes about \d+ s\./,
    );
    const rebuilt = await runCli(['model', 'repair', 'mails', ...configured, '--dry-run', '--in-place', '0'], { cwd });
    assert.match(rebuilt.stderr, /The way: build the tables anew beside/);
    const away = await runCli(['model', 'repair', 'mails', ...confirmed, '--report', 'not/there.md'], { cwd });
    assert.notEqual(away.code, 0);
    assert.equal((await runCli(['model', 'verify', 'mails', ...configured], { cwd })).code, 8, 'it was repaired');
    const words = ['model', 'repair', 'mails', ...confirmed, '--report', 'incident.md', '--json'];
    const done = await runCli(words, { cwd });
    assert.equal(done.code, 0, done.stderr);
    const { way, rows, proof } = JSON.parse(done.stdout) as Readonly<Record<string, unknown>>;
    assert.deepEqual([way, rows, (proof as { readonly differing: number }).differing], ['in-place', 1, 0]);
    const report = readFileSync(folder.file('incident.md'), 'utf8');
    assert.match(
      report,
      /^# mails: a repair\n\nBy ann: a test\. Ended at 20\S+ after [\d.]+ s\.\n\n## What was noticed\n/,
    );
    assert.match(report, /1 row differed from the log: 1 foreign-write\./);
    assert.match(report, /Rows differed since ShipmentEmailSent 2@CustomerOrder-123456789 \(position \d+\) of 20/);
    assert.match(report, /\nmails \| CustomerOrder-123456789 \| foreign-write \| subject \| ShipmentEmailSent 2@/);
    assert.match(report, /0 events projected, 1 row put right: from position (\d+) to \1\./);
    assert.match(report, /every row was compared with what the log makes: 1 row up to position \d+, 0 differ\.\n$/);
    assert.equal((await runCli(['model', 'verify', 'mails', ...configured], { cwd })).code, 0);
  });

  it('B4 builds the tables anew when more rows differ than are put right one by one, and B6 can be switched back', async () => {
    using folder = await mailsService();
    const cwd = folder.path;
    await runCli(['model', 'rebuild', 'mails', ...confirmed], { cwd });
    const none = await runCli(['model', 'switch-back', 'mails', ...confirmed], { cwd });
    assert.equal(none.code, 3);
    assert.match(none.stderr, /\[nothing-to-switch-back\]/);
    spoil(folder.file('mails.db'), wrong);
    const done = await runCli(['model', 'repair', 'mails', ...confirmed, '--in-place', '0', '--json'], { cwd });
    assert.equal((JSON.parse(done.stdout) as { readonly way: string }).way, 'rebuild', done.stderr);
    assert.equal((await runCli(['model', 'verify', 'mails', ...configured], { cwd })).code, 0);
    const refused = await runCli(['model', 'switch-back', 'mails', ...configured, '--why', 'a test'], { cwd });
    assert.equal(refused.code, 10);
    const rehearsed = await runCli(['model', 'switch-back', 'mails', ...configured, '--dry-run'], { cwd });
    assert.match(
      rehearsed.stderr,
      /They are at position \d+\.\nNothing was changed\. --yes would put the tables that mails had/,
    );
    assert.equal((await runCli(['model', 'verify', 'mails', ...configured], { cwd })).code, 0);
    const back = await runCli(['model', 'switch-back', 'mails', ...confirmed, '--json'], { cwd });
    assert.equal(back.code, 0, back.stderr);
    assert.equal(
      (await runCli(['model', 'verify', 'mails', ...configured], { cwd })).code,
      8,
      'these are not the old tables',
    );
    const forth = await runCli(['model', 'switch-back', 'mails', ...confirmed], { cwd });
    assert.equal(forth.code, 0, forth.stderr);
    assert.equal((await runCli(['model', 'verify', 'mails', ...configured], { cwd })).code, 0);
    const kept = await runCli(['read', '$ops-mails', '--ndjson'], { cwd });
    assert.match(kept.stdout, /ReadModelRepaired[\s\S]*ReadModelSwitchedBack[\s\S]*"who":"ann","why":"a test"/);
  });

  it('B4 O-4 says who is shut out and who has paused it, and ends the pause only when it is told to', async () => {
    using folder = await mailsService();
    const cwd = folder.path;
    await runCli(['model', 'rebuild', 'mails', ...confirmed], { cwd });
    {
      await using store = await openSqliteStore(folder.file('daybook.db'));
      const until = new Date(Date.now() + 3_600_000);
      await requestControl(store, 'mails', { kind: 'pause', until, who: 'bob', why: 'the disk is full' });
    }
    const held = `UPDATE daybook_read_model SET owner = 'elsewhere/1/dead', lease_until = ${Date.now() + 3_600_000}`;
    spoil(folder.file('mails.db'), `${held}; ${wrong};`);
    const rehearsed = await runCli(['model', 'repair', 'mails', ...configured, '--dry-run'], { cwd });
    assert.match(rehearsed.stderr, /elsewhere\/1\/dead writes it\. It would be shut out, and go on afterwards\./);
    assert.match(rehearsed.stderr, /mails is paused by bob until 20\S+ \(the disk is full\), and stays so\./);
    const done = await runCli(['model', 'repair', 'mails', ...confirmed, '--json'], { cwd });
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /"fenced":"elsewhere\/1\/dead","paused":\{"who":"bob"/);
    assert.match(done.stderr, /stays so\. End that with --resume, or: daybook consumers resume mails\./);
    const resumed = await runCli(['model', 'repair', 'mails', ...confirmed, '--resume'], { cwd });
    assert.equal(resumed.code, 0, resumed.stderr);
    const kept = await runCli(['read', '$control-mails', '--ndjson'], { cwd });
    assert.match(kept.stdout, /PauseRequested[\s\S]*ResumeRequested[\s\S]*"who":"ann"/);
  });
});
