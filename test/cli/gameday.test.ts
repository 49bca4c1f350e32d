import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { newFolder } from './support/folder.ts';
import { runCli } from './support/run-cli.ts';

const models = fileURLToPath(new URL('support/gameday-models.config.ts', import.meta.url));
const consumers = fileURLToPath(new URL('support/gameday-consumers.config.ts', import.meta.url));

interface Played {
  readonly subject: string;
  readonly scenario: string;
  readonly verdict: string;
  readonly detectedMs?: number;
  readonly repairedMs?: number;
  readonly lost?: number;
  readonly repeated?: number;
  readonly why?: string;
  readonly event?: { readonly type: string };
}

/** Plays with a few events of the sample. */
async function played(
  config: string,
  { only, scenarios }: { readonly only: readonly string[]; readonly scenarios: readonly string[] },
): Promise<{ readonly code: number | null; readonly stderr: string; readonly rows: readonly Played[] }> {
  using folder = newFolder();
  const all = [
    'gameday',
    ...scenarios,
    '--config',
    config,
    ...only.flatMap((name) => ['--only', name]),
    '--events',
    '150',
    '--json',
  ];
  const { code, stderr, stdout } = await runCli(all, { cwd: folder.path, timeoutMs: 300_000 }); // Dozens of processes.
  assert.ok(!existsSync(folder.file('mails.txt')) && !existsSync(folder.file('calls.txt')), 'an effect was real');
  return { code, stderr, rows: JSON.parse(stdout) as readonly Played[] };
}

const verdicts = (rows: readonly Played[]): readonly string[] =>
  rows.map(({ subject, scenario, verdict }) => `${subject} ${scenario} ${verdict}`);

describe('daybook gameday', () => {
  it('B10: a read model that is right stands every incident, and somebody is told of those that need a person', async () => {
    const all = ['kill', 'hang', 'poison', 'lost-database', 'restore-tables', 'restore-log', 'two-writers'];
    const needPerson = ['kill', 'hang', 'poison', 'lost-database', 'restore-log'];
    // Locally those are played that need a person.
    const scenarios = process.env['CI'] === 'true' ? all : needPerson;
    const { code, stderr, rows } = await played(models, { only: ['right'], scenarios });
    assert.deepEqual(
      rows.map(({ scenario, verdict, lost, repeated, why = '' }) => ({ scenario, verdict, lost, repeated, why })),
      scenarios.map((scenario) => ({ scenario, verdict: 'held', lost: 0, repeated: 0, why: '' })),
      stderr,
    );
    assert.equal(code, 0, stderr);
    const told = rows.filter(({ detectedMs }) => detectedMs !== undefined).map(({ scenario }) => scenario);
    assert.deepEqual(
      told,
      scenarios.filter((each) => needPerson.includes(each)),
    );
    assert.ok(rows.every(({ repairedMs = 0 }) => repairedMs > 0));
    const { length } = scenarios;
    assert.match(stderr, new RegExp(`${length} scenarios: ${length} held, 0 fragile, 0 failed`));
  });

  it('B10: finds what a process holds and has not written, when it is killed', async () => {
    const { code, stderr, rows } = await played(models, { only: ['late'], scenarios: ['kill'] });
    assert.deepEqual([code, ...verdicts(rows)], [8, 'late kill failed'], stderr);
    assert.match(stderr, /the row stream=CustomerOrder-\d+ of parcels .*since OrderShipped 1?\d@CustomerOrder-\d+/);
    assert.match(stderr, /look at the handler of OrderShipped/);
  });

  it('B10: finds what depends on the day or on the time zone, and what is not waited for', async () => {
    const { code, stderr, rows } = await played(models, {
      only: ['right', 'local', 'dated', 'hasty'],
      scenarios: ['crash-at-statement', 'clock-jump'],
    });
    assert.equal(code, 8, stderr);
    const said = verdicts(rows);
    assert.deepEqual(said.slice(0, 6), [
      'right crash-at-statement held',
      'right clock-jump held',
      'local crash-at-statement held',
      'local clock-jump failed',
      'dated crash-at-statement held',
      'dated clock-jump failed',
    ]);
    assert.ok(said.includes('hasty crash-at-statement failed'));
  });

  it('B10: a consumer stands every incident, nothing it asks for is done, and what does things itself is left alone', async () => {
    const scenarios = ['twice', 'kill', 'hang', 'poison', 'two-writers', 'clock-jump'];
    const { code, stderr, rows } = await played(consumers, { only: ['Mailing', 'Calling'], scenarios });
    assert.equal(code, 0, stderr);
    assert.deepEqual(verdicts(rows), [
      ...scenarios.map((scenario) => `Mailing ${scenario} held`),
      ...scenarios.map((scenario) => `Calling ${scenario} not-played`),
    ]);
    assert.ok(rows.every(({ lost = 0 }) => lost === 0));
    assert.ok((rows[0]?.repeated ?? 0) > 0);
    assert.match(stderr, /Not played: Calling: its handler does its effects itself.*--with-effects/);
  });

  it('B10: finds a consumer that appends again, and one that asks for something else on another day', async () => {
    const { code, stderr, rows } = await played(consumers, {
      only: ['Doubling', 'Dating'],
      scenarios: ['twice', 'clock-jump'],
    });
    assert.equal(code, 8, stderr);
    const failed = verdicts(rows).filter((each) => each.endsWith('failed'));
    assert.deepEqual(failed, ['Dating clock-jump failed', 'Doubling twice failed']);
    assert.match(stderr, /has appended CustomerTold in CustomerOrder-\d+ 2 times.*commandIdFrom\(key\)/);
    assert.match(stderr, /asked for other effects when OrderShipped \d+@CustomerOrder-\d+ came again/);
  });

  it('lists its scenarios, and says what is wrong with what it was asked', async () => {
    using folder = newFolder();
    const cwd = folder.path;
    const listed = await runCli(['gameday', '--list'], { cwd });
    assert.equal(listed.code, 0, listed.stderr);
    assert.match(listed.stdout, /^kill\tread models, consumers\tThe process is killed/m);
    const typo = await runCli(['gameday', 'kil'], { cwd });
    assert.equal(typo.code, 2);
    assert.match(typo.stderr, /There is no scenario kil\. Did you mean kill\?/);
    const without = await runCli(['gameday'], { cwd });
    assert.equal(without.code, 3);
    assert.match(without.stderr, /daybook\.config\.ts is not there\. Name your consumers and read models in it/);
    writeFileSync(folder.file('daybook.config.ts'), 'export const consumers = [];');
    const empty = await runCli(['gameday'], { cwd });
    assert.equal(empty.code, 2);
    assert.match(empty.stderr, /there is nothing to play with/);
    const nobody = await runCli(['gameday', '--config', models, '--only', 'Nobody'], { cwd });
    assert.match(nobody.stderr, /names no Nobody\. It names right, late/);
  });
});
