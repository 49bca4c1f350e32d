import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';

import { commandLinesOf, mentionsOf, refusalOf, unknownIn } from './documents/command-lines.ts';
import { repositoryFiles, root, type SourceFile } from './house/source-file.ts';

const documents = repositoryFiles().filter(({ path }) => path.endsWith('.md'));

describe('the documents', () => {
  for (const guide of documents.filter(({ path }) => path.startsWith('docs/guides/'))) {
    it(`every program of ${guide.path} is in an example`, async () => {
      for (const { language, from, body } of blocksOf(guide)) {
        if (language !== 'ts') continue;
        assert.ok(from, `this program names no file:\n${body}`);
        assert.ok((await readFile(join(root, from), 'utf8')).includes(body), `${from} has no such lines:\n${body}`);
      }
    });

    it(`every output of ${guide.path} is what its example says`, async () => {
      const outputs = new Map<string, string>();
      for (const { language, from, body } of blocksOf(guide)) {
        if (language !== 'text') continue;
        assert.ok(from, `this output names no file:\n${body}`);
        const said = outputs.get(from) ?? (await run(join(root, from)));
        outputs.set(from, said);
        assert.ok(said.includes(body), `${from} says\n${said}\nand not\n${body}`);
      }
    });
  }

  it('the program of the README runs as pasted, in at most 12 lines, and says what stands below it', async () => {
    const readme = documents.find(({ path }) => path === 'README.md');
    assert.ok(readme);
    const [program, output] = blocksOf(readme).filter(({ language }) => language === 'ts' || language === 'text');
    assert.ok(program && output);
    assert.ok(program.body.trimEnd().split('\n').length <= 12);
    await using folder = await temporaryFolder();
    await symlink(join(root, 'node_modules'), join(folder.path, 'node_modules'));
    const file = join(folder.path, 'first.mts');
    await writeFile(file, program.body);
    assert.equal(await run(file), output.body);
  });

  it('every command line is one that the command takes, and every command that is mentioned is there', async () => {
    const wrong: string[] = [];
    let lines = 0;
    for (const { path, text } of documents) {
      for (const words of commandLinesOf(text)) {
        lines += 1;
        const refusal = await refusalOf(words);
        if (refusal !== undefined) wrong.push(`${path}: daybook ${words.join(' ')}: ${refusal}`);
      }
      for (const words of mentionsOf(text)) {
        const unknown = await unknownIn(words);
        if (unknown !== undefined) wrong.push(`${path}: daybook ${words.join(' ')}: there is no ${unknown}`);
      }
    }
    assert.deepEqual(wrong, []);
    assert.ok(lines > 20);
  });

  it('every script of npm that is named is in package.json', async () => {
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { readonly scripts: object };
    const named = documents.flatMap(({ text }) =>
      [...text.matchAll(/\bnpm run ([\w:]+)/g)].map(([, name = '']) => name),
    );
    assert.ok(named.includes('drill'));
    assert.deepEqual(
      named.filter((name) => !Object.hasOwn(scripts, name)),
      [],
    );
  });

  it('a command line with a word that is not known is found', async () => {
    const [words = []] = commandLinesOf("```sh\ndaybook consumers pause Mailing --fro 2h --why 'a b' # so\n```\n");
    assert.deepEqual(words, ['consumers', 'pause', 'Mailing', '--fro', '2h', '--why', 'a b']);
    assert.match((await refusalOf(words)) ?? '', /unknown option '--fro'/);
    assert.equal(await unknownIn(['consumers', 'pause', '--fro']), '--fro');
    assert.equal(await unknownIn(['consumer']), 'consumer');
  });

  it('every link to a file leads to one', () => {
    const broken = documents.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)]
        .filter(([, target = '']) => !existsSync(join(root, dirname(path), target)))
        .map(([, target]) => `${path}: ${target}`),
    );
    assert.deepEqual(broken, []);
  });
});

describe('examples/orders', () => {
  it('appends the golden sample and reads it back; once more, and it is recognised', async () => {
    await using folder = await temporaryFolder();
    const program = join(root, 'examples/orders/append-and-read.ts');
    const first = await run(program, folder.path);
    assert.equal(first, await readFile(join(root, 'examples/orders/append-and-read.txt'), 'utf8'));
    assert.equal(await run(program, folder.path), first.replace('appended:', 'repeated:'));
  });
});

interface Block {
  readonly language: string;
  /** The file that the block is taken from. */
  readonly from: string;
  readonly body: string;
}

function blocksOf({ text }: SourceFile): readonly Block[] {
  return [...text.matchAll(/^```(\w+) ?(\S*)\n([\s\S]*?)^```$/gm)].map(([, language = '', from = '', body = '']) => ({
    language,
    from,
    body,
  }));
}

/** What a program says when it runs in a folder of its own, or in `folder`. */
async function run(program: string, folder?: string): Promise<string> {
  if (folder === undefined) {
    await using own = await temporaryFolder();
    return await run(program, own.path);
  }
  const options = { cwd: folder, timeout: 30_000 };
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@daybook/source', program], options);
  return stdout;
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'daybook-documents-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
