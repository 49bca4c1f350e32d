import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';

import { newFolder } from './support/folder.ts';
import { goldenLines, importGolden } from './support/golden-file.ts';
import { collect, runCli, runInTerminal, startCli } from './support/run-cli.ts';

/** Lines of made-up events in a few streams. */
function manyLines(count: number): string {
  const lines = Array.from({ length: count }, (_, number) => {
    const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
    return `{"stream":"Many-${number % 7}","type":"Counted","id":"${id}","data":{"n":${number}.0}}\n`;
  });
  return lines.join('');
}

describe('import and export', { concurrency: 3 }, () => {
  it('keep every byte: what was exported and imported is exported the same', async () => {
    using from = newFolder();
    using to = newFolder();
    await importGolden(from);
    const append = (...words: string[]): Promise<unknown> => runCli(['append', ...words], { cwd: from.path });
    await append(
      'Odd-1',
      '-t',
      'Spaced',
      '-d',
      '{ "b": 1.0,  "a": 1e3, "a": 12345678901234567890 }',
      '-m',
      '{"$correlationId":"x"}',
    );
    await append('Odd-1', '-t', 'Binary', '-d', '\u0001 not json', '--binary');
    await append('Odd-1', '-t', 'Lines', '-d', '{\n"a":1}');
    const exported = (await runCli(['export'], { cwd: from.path })).stdout;
    assert.equal(exported.trim().split('\n').length, 6);
    await runCli(['import', '-'], { cwd: to.path, input: exported });
    assert.equal((await runCli(['export'], { cwd: to.path })).stdout, exported);
  });

  it('can be run again: nothing is appended twice, hidden or not', async () => {
    using folder = newFolder();
    await importGolden(folder);
    const stream = 'CustomerOrder-123456789';
    assert.equal((await runCli(['stream', 'truncate', stream, '--before', '2'], { cwd: folder.path })).code, 0);
    const again = await runCli(['import', 'golden.ndjson', '--json'], { cwd: folder.path });
    assert.deepEqual(JSON.parse(again.stdout), { appended: 0, repeated: 3 });
    assert.equal(
      (await runCli(['read', stream, '--ndjson'], { cwd: folder.path })).stdout.trim().split('\n').length,
      1,
    );
  });

  it('take events for a stream that has others already', async () => {
    using folder = newFolder();
    await runCli(['append', 'CustomerOrder-123456789', '-t', 'OrderCreated'], { cwd: folder.path });
    await importGolden(folder);
    const again = await runCli(['import', 'golden.ndjson', '--json'], { cwd: folder.path });
    assert.deepEqual(JSON.parse(again.stdout), { appended: 0, repeated: 3 });
    const { stdout } = await runCli(['read', 'CustomerOrder-123456789'], { cwd: folder.path });
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split('\t')[1]),
      ['OrderCreated', 'AwaitingShipment', 'OrderShipped', 'ShipmentEmailSent'],
    );
  });

  it('leave out what was deleted or truncated', async () => {
    using folder = newFolder();
    await importGolden(folder);
    for (const name of ['Gone-1', 'Closed-1']) await runCli(['append', name, '-t', 'T'], { cwd: folder.path });
    await runCli(['stream', 'delete', 'Gone-1'], { cwd: folder.path });
    await runCli(['stream', 'tombstone', 'Closed-1', '--yes'], { cwd: folder.path });
    await runCli(['stream', 'truncate', 'CustomerOrder-123456789', '--before', '1'], { cwd: folder.path });
    assert.equal((await runCli(['export'], { cwd: folder.path })).stdout, `${goldenLines.slice(1).join('\n')}\n`);
  });

  it('export one stream, or a category', async () => {
    using folder = newFolder();
    await importGolden(folder);
    await runCli(['append', 'Other-1', '-t', 'T'], { cwd: folder.path });
    const { stdout } = await runCli(['export', '$ce-CustomerOrder'], { cwd: folder.path });
    assert.equal(stdout, `${goldenLines.join('\n')}\n`);
    assert.equal((await runCli(['export', 'Nope-1'], { cwd: folder.path })).code, 3);
  });

  it('export to a file that is there when it is complete', async () => {
    using folder = newFolder();
    await importGolden(folder);
    assert.equal((await runCli(['export', '--output', 'all.ndjson'], { cwd: folder.path })).code, 0);
    assert.equal(readFileSync(folder.file('all.ndjson'), 'utf8'), `${goldenLines.join('\n')}\n`);
    assert.ok(!existsSync(folder.file('all.ndjson.part')));
  });

  const bar = /^[━╌]{10,30} {2}\d+ % {2}[\d,]+ events {2}[\d,]+\/s( {2}\d+:\d\d left)?$/;
  it('show on a terminal how far they are, in one line that is gone in the end', async () => {
    using folder = newFolder();
    writeFileSync(folder.file('many.ndjson'), manyLines(60_000));
    for (const [columns, words] of [
      [80, ['import', 'many.ndjson']],
      [60, ['export', '--output', 'all.ndjson']],
      [20, ['export', '--output', 'again.ndjson']],
    ] as const) {
      const { code, screen } = await runInTerminal(words, { cwd: folder.path, columns, env: { NO_COLOR: '1' } });
      assert.equal(code, 0, screen);
      const [, ...drawn] = screen.split('\r\u001B[K');
      const last = drawn.pop();
      for (const line of drawn) assert.ok(line.length <= columns, line);
      if (columns > 20)
        assert.ok(
          drawn.some((line) => bar.test(line)),
          screen,
        );
      assert.match(last ?? '', words[0] === 'import' ? /^appended {2}60000\nrepeated {2}0\n$/ : /^60,000 events\n$/);
    }
    const elsewhere = await runCli(['export', '--output', 'third.ndjson'], { cwd: folder.path });
    for (const drawn of ['━', '╌', '\u001B']) assert.ok(!elsewhere.stderr.includes(drawn), elsewhere.stderr);
  });

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGKILL', null],
  ] as const) {
    it(`can be stopped by ${signal} and run again: every event is there once, in order`, async () => {
      using folder = newFolder();
      const text = manyLines(3_000);
      writeFileSync(folder.file('many.ndjson'), text);
      // The first half comes through a pipe that stays open, so that the import is in the middle when it is stopped.
      const child = startCli(['import', '-', '--json'], { cwd: folder.path });
      const talk = collect(child.stderr);
      child.stdin.on('error', () => {});
      child.stdin.write(text.slice(0, text.length / 2));
      await untilImported(folder.path, 500);
      child.kill(signal);
      const [exitCode]: readonly unknown[] = await once(child, 'close');
      assert.equal(exitCode, code);
      if (signal === 'SIGINT') assert.match(talk(), /Stopped after [\d,]+ events\. Run it again to go on\./);
      const again = await runCli(['import', 'many.ndjson', '--json'], { cwd: folder.path });
      const { appended, repeated } = JSON.parse(again.stdout);
      assert.equal(appended + repeated, 3_000);
      assert.ok(repeated >= 500);
      const { stdout } = await runCli(['export'], { cwd: folder.path });
      const numbers = stdout
        .trim()
        .split('\n')
        .map((line) => Number(JSON.parse(line).data.n));
      assert.deepEqual(
        numbers,
        Array.from({ length: 3_000 }, (_, number) => number),
      );
      assert.ok(stdout.includes('"data":{"n":7.0}'));
    });
  }
});

/** Waits until a store holds so many events. */
async function untilImported(cwd: string, count: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { stdout } = await runCli(['read', '$all', '--backwards', '--limit', '1', '--ndjson'], { cwd });
    if (stdout !== '' && Number(JSON.parse(stdout).position) >= count) return;
  }
  throw new Error(`${count} events were never there`);
}
