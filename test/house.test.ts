import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { sep } from 'node:path';
import { describe, it } from 'node:test';

import { rules } from './house/rules.ts';
import { isShipped, repositoryFiles, root } from './house/source-file.ts';
import { forbiddenWords, tooCommonWords } from './house/words.ts';

const files = repositoryFiles();

describe('the house rules', () => {
  for (const { name, problems, example } of rules) {
    it(name, () => assert.equal(problems(files).join('\n'), ''));
    it(`${name}, and an example that breaks it is found`, () => assert.notDeepEqual(problems(example), []));
  }

  it('half of the shipped files have fewer than 100 lines', (t) => {
    const lines = files.filter(isShipped).map(({ text }) => text.split('\n').length - 1);
    const median = lines.toSorted((a, b) => a - b)[Math.floor(lines.length / 2)] ?? 0;
    t.diagnostic(`${lines.length} shipped files, ${lines.reduce((a, b) => a + b, 0)} lines, median ${median}`);
    assert.ok(median < 100, `the median is ${median}`);
  });

  it('every test file is run by npm test, or by npm run test:crash', () => {
    const manifest = files.find(({ path }) => path === 'package.json')?.text ?? '';
    const globs = [...manifest.matchAll(/'([^']+\.test\.ts)'/g)].map((match) => match[1] ?? '');
    const run = new Set(globSync(globs, { cwd: root }).map((path) => path.split(sep).join('/')));
    assert.deepEqual(
      files.map(({ path }) => path).filter((path) => path.endsWith('.test.ts') && !run.has(path)),
      [],
    );
  });

  it('each word that STYLE.md tells us not to say is forbidden, or known to be too common', () => {
    const style = files.find(({ path }) => path === 'STYLE.md')?.text ?? '';
    const rows = [...style.matchAll(/^\| (?!we say|-)[^|]+\| ([^|]+)\|/gm)].map((row) => row[1] ?? '');
    assert.ok(rows.length >= 20, 'the table is not where it was');
    const words = rows.flatMap((row) => row.split(/[,;]/)).map((word) => word.trim());
    const known = new Set([...Object.keys(forbiddenWords), ...tooCommonWords]);
    assert.deepEqual(
      words.filter((word) => !known.has(word)),
      [],
    );
  });

  it('the lock file names every binary that a package may need, so that npm ci accepts it', () => {
    const lock: unknown = JSON.parse(files.find(({ path }) => path === 'package-lock.json')?.text ?? '{}');
    const { packages } = lock as { packages: Record<string, { optionalDependencies?: Record<string, string> }> };
    const missing = Object.values(packages)
      .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
      .filter((name) => !(`node_modules/${name}` in packages));
    assert.deepEqual(missing, [], 'run npm run lock');
  });
});
