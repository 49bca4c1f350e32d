import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { root } from '../house/source-file.ts';

/** The library broken on purpose, in one place. */
export interface Mutant {
  readonly name: string;
  /** Below `packages/daybook/src`. */
  readonly file: string;
  readonly edits: readonly Edit[];
  /** The test that must notice: a file of this folder, and the name of a test in it. */
  readonly test: { readonly file: string; readonly name: string };
  /** What the test cannot do without. */
  readonly needs?: 'postgres';
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

/** What the process of a mutant loads instead of a module. */
export interface Broken {
  readonly url: string;
  readonly source: string;
}

/** Breaks the library for a process, and runs the test there. */
export async function judge({ file, edits, test }: Mutant): Promise<Verdict> {
  const path = join(root, 'packages/daybook/src', file);
  let source = await readFile(path, 'utf8');
  for (const { says, instead } of edits) {
    if (source.split(says).length !== 2) throw new Error(`${file} does not say ${says} exactly once`);
    source = source.replace(says, instead);
  }
  const mutant: Broken = { url: pathToFileURL(path).href, source };
  const before = pathToFileURL(join(root, 'scripts/test-process.mjs')).href;
  const words = ['--conditions=@daybook/source', `--import=${before}`, `--test-name-pattern=${test.name}`];
  const child = spawn(process.execPath, [...words, `test/read-model/${test.file}`], {
    cwd: root,
    timeout: 120_000,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      NODE_TEST_CONTEXT: undefined,
      NODE_OPTIONS: `--import=${new URL('mutating.ts', import.meta.url).href}`, // Its own processes are broken too.
      DAYBOOK_MUTANT: JSON.stringify(mutant),
    },
  });
  const said: string[] = [];
  child.stdout.on('data', (data: Buffer) => said.push(String(data)));
  child.stderr.on('data', (data: Buffer) => said.push(String(data)));
  const [code] = (await once(child, 'close')) as readonly unknown[];
  const whole = said.join('');
  return { isFound: code !== 0 && whole.includes('AssertionError'), said: whole };
}
