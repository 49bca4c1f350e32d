import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';

import { newFolder } from './support/folder.ts';
import { collect, runCli } from './support/run-cli.ts';

/** What bash offers after some words. `daybook` itself is replaced by a function that lists two streams. */
async function offered(...words: readonly string[]): Promise<readonly string[]> {
  using folder = newFolder();
  const { stdout: script, code } = await runCli(['completion', 'bash'], { cwd: folder.path });
  assert.equal(code, 0);
  const typed = ['daybook', ...words].map((word) => `'${word}'`).join(' ');
  const bash = spawn('bash', ['--norc', '-s'], { cwd: folder.path });
  const output = collect(bash.stdout);
  bash.stdin.end(`${script}
timeout() { shift; "$@"; }
daybook() { printf '2\\t1\\t9\\t%s\\n' 'Order-1' 'Order-$(touch broken)'; }
COMP_WORDS=(${typed}); COMP_CWORD=${words.length}
_daybook
printf '%s\\n' "\${COMPREPLY[@]}"
ls broken 2>/dev/null
`);
  await once(bash, 'close');
  return output().trim().split('\n');
}

describe('completion in bash', { concurrency: 3 }, () => {
  it('offers commands', async () => {
    assert.deepEqual(await offered('st'), ['state', 'streams', 'stream']);
  });

  it('offers the commands below a command', async () => {
    assert.deepEqual(await offered('stream', 't'), ['tombstone', 'truncate']);
  });

  it('offers the options of a command, and those of all', async () => {
    const options = await offered('read', '--l');
    assert.deepEqual(options, ['--limit']);
    assert.ok((await offered('read', '--')).includes('--json'));
    assert.deepEqual(await offered('consumers', 'ls', '--no'), ['--no-config']);
  });

  it('offers streams, and runs nothing that a name says', async () => {
    assert.deepEqual(await offered('stream', 'show', 'Order'), ['Order-1', String.raw`Order-\$\(touch\ broken\)`]);
  });

  it('refuses other shells', async () => {
    using folder = newFolder();
    const { code, stderr } = await runCli(['completion', 'cmd'], { cwd: folder.path });
    assert.equal(code, 2);
    assert.match(stderr, /Allowed choices are bash, zsh, fish/);
  });
});

/** A text in single quotes, as zsh and as fish write a quote in it. */
const quoted = { zsh: String.raw`'(?:[^']|'\\'')*'`, fish: String.raw`'(?:[^'\\]|\\.)*'` } as const;

/** The lines of a script that come from the commands. All others are always the same. */
const lineOf = {
  zsh: new RegExp(
    String.raw`^    '[a-z -]*'\) (?:path_so_far='[a-z -]+'|commands=\((?:${quoted.zsh} ?)*\); options=\([a-z -]*\); streams=[01]) ;;$`,
  ),
  fish: new RegExp(
    String.raw`^complete -c daybook -n '__daybook_at "[a-z -]*"'(?: -l '[a-z-]+'| -f -a ${quoted.fish}(?: -d ${quoted.fish})?)$`,
  ),
} as const;

for (const shell of ['zsh', 'fish'] as const) {
  describe(`completion in ${shell}`, { concurrency: 3 }, () => {
    it('offers every command, its options, and streams, in words that the shell can read', async () => {
      using folder = newFolder();
      const { stdout: script, code } = await runCli(['completion', shell], { cwd: folder.path });
      assert.equal(code, 0);
      const from = shell === 'zsh' ? /^ +'/ : /^complete /;
      const lines = script.split('\n').filter((line) => from.test(line));
      for (const line of lines) assert.match(line.replace(/^ +/, '    '), lineOf[shell]);
      const about = (path: string): string =>
        lines.filter((line) => line.includes(shell === 'zsh' ? `'${path}')` : `at "${path}"`)).join('\n');
      for (const command of (await offered('')).filter((word) => !word.startsWith('-'))) {
        assert.match(about(''), new RegExp(`'${command}[:']`), command);
        assert.match(about(command), shell === 'zsh' ? /--store/ : /-l 'store'/, command);
      }
      assert.match(about('stream'), /tombstone/);
      assert.match(
        about('read'),
        shell === 'zsh' ? /--no-resolve-links.*streams=1/ : /-l 'no-resolve-links'[^]*__daybook_streams/,
      );
      if (spawnSync(shell, ['--version']).status !== 0) return; // Where there is the shell, it reads the whole script.
      const { status, stderr } = spawnSync(shell, ['-n'], { input: script, encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    });
  });
}
