import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
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

  it('has a script for zsh and fish too, and refuses other shells', async () => {
    using folder = newFolder();
    for (const shell of ['zsh', 'fish']) {
      const { code, stdout } = await runCli(['completion', shell], { cwd: folder.path });
      assert.equal(code, 0);
      assert.match(stdout, /daybook completion/);
    }
    const { code, stderr } = await runCli(['completion', 'cmd'], { cwd: folder.path });
    assert.equal(code, 2);
    assert.match(stderr, /Allowed choices are bash, zsh, fish/);
  });
});
