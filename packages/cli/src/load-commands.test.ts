import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { Command } from 'commander';

import { loadCommands } from './load-commands.ts';

/** The names of the commands that a command line loads. */
async function loaded(...words: readonly string[]): Promise<readonly string[]> {
  const program = new Command();
  for (const register of await loadCommands(words)) {
    register(program, neverRun);
  }
  return program.commands.map((command) => command.name());
}

function neverRun(): never {
  throw new Error('Nothing is run here.');
}

/** A command and all that are below it. */
function everyCommand(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

describe('the commands that are loaded', () => {
  it('are the one that is called', async () => {
    const all = await loaded('--help');
    assert.ok(all.length > 20);
    for (const name of all.filter((each) => each !== 'completion')) {
      assert.deepEqual(await loaded(name, '--help'), [name]);
    }
  });

  it('are the one behind options that all have', async () => {
    assert.deepEqual(await loaded('--store', 'append', 'read', 'a-1'), ['read']);
    assert.deepEqual(await loaded('--store=append', '--json', '-q', 'read', 'a-1'), ['read']);
  });

  it('are all where all are shown, or none is meant', async () => {
    const all = await loaded('--help');
    const lines = [[], ['help', 'read'], ['completion', 'bash'], ['raed'], ['--help', 'read'], ['--json'], ['--store']];
    for (const words of [...lines, ['--store', 'x'], ['constructor'], ['--raed', 'read']]) {
      assert.deepEqual(await loaded(...words), all, words.join(' '));
    }
  });

  it('have no option that takes the words behind its value, too: they may be the stream', async () => {
    const program = new Command();
    for (const register of await loadCommands([])) register(program, neverRun);
    const greedy = [...everyCommand(program)].flatMap((command) =>
      command.options.filter(({ variadic }) => variadic).map(({ flags }) => `${command.name()} ${flags}`),
    );
    assert.deepEqual(greedy, []);
  });

  it('are none where the version is asked for', async () => {
    assert.deepEqual(await loaded('--version'), []);
  });
});
