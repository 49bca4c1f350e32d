import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { root } from '../house/source-file.ts';

/** The library broken on purpose, in one place. */
export interface Mutant {
  readonly name: string;
  /** Below `packages/daybook/src`. */
  readonly file: string;
  readonly edits: readonly Edit[];
  /** The test that must notice: a file of this folder, and the name of a test in it. */
  readonly test: { readonly file: string; readonly name: string };
}

/** What stands in the file, exactly once, and what stands there instead. */
export interface Edit {
  readonly says: string;
  readonly instead: string;
}

/** What the test said about the mutant. */
export interface Verdict {
  readonly isFound: boolean;
  readonly said: string;
}

/** Copies the repository, breaks the copy, and runs the test there. */
export async function judge({ file, edits, test }: Mutant): Promise<Verdict> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-mutant-'));
  try {
    await copyRepository(folder);
    const path = join(folder, 'packages/daybook/src', file);
    let text = await readFile(path, 'utf8');
    for (const { says, instead } of edits) {
      if (text.split(says).length !== 2) throw new Error(`${file} does not say ${says} exactly once`);
      text = text.replace(says, instead);
    }
    await writeFile(path, text);
    const words = ['--conditions=@daybook/source', '--test', '--test-isolation=none', '--test-timeout=120000'];
    const child = spawn(
      process.execPath,
      [...words, `--test-name-pattern=${test.name}`, `test/read-model/${test.file}`],
      { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_TEST_CONTEXT: undefined } },
    );
    const said: string[] = [];
    child.stdout.on('data', (data: Buffer) => said.push(String(data)));
    child.stderr.on('data', (data: Buffer) => said.push(String(data)));
    const [code] = (await once(child, 'close')) as readonly unknown[];
    const whole = said.join('');
    return { isFound: code !== 0 && whole.includes('AssertionError'), said: whole };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function copyRepository(folder: string): Promise<void> {
  await mkdir(join(folder, 'packages'));
  await mkdir(join(folder, 'test'));
  await cp(join(root, 'packages/daybook'), join(folder, 'packages/daybook'), {
    recursive: true,
    filter: (path) => !/\/(?:node_modules|dist)$/.test(path),
  });
  for (const part of ['consumer', 'read-model', 'services', 'house']) {
    await cp(join(root, 'test', part), join(folder, 'test', part), { recursive: true });
  }
  await cp(join(root, 'package.json'), join(folder, 'package.json'));
  const modules = join(folder, 'node_modules');
  await mkdir(modules);
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (name !== 'daybook') await symlink(join(root, 'node_modules', name), join(modules, name));
  }
  await symlink('../packages/daybook', join(modules, 'daybook'));
}
