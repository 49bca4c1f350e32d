import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { root } from './house/source-file.ts';

/** A registry that nobody answers at. */
const nowhere = 'http://127.0.0.1:9';
const platform = `node_modules/node-${process.platform}-${process.arch}`;

describe('scripts/bootstrap.mjs', () => {
  it('says nothing and needs no network when what is installed is what is locked', async () => {
    await using clone = await cloneWith({ locked: { [platform]: '1.0.0' }, installed: { [platform]: '1.0.0' } });
    assert.deepEqual(await clone.bootstrap(), { exitCode: 0, said: '' });
  });

  it('installs when a locked package has another version, and says which registry trouble stops it', async () => {
    await using clone = await cloneWith({
      locked: { 'node_modules/a': '1.0.1' },
      installed: { 'node_modules/a': '1.0.0' },
    });
    const { exitCode, said } = await clone.bootstrap();
    assert.match(said, /^bootstrap: installing the packages .*\nbootstrap: the package registry cannot be reached/);
    assert.equal(exitCode, 1);
  });

  it('installs when the pinned Node is missing and the own one is too old to do without', async () => {
    await using clone = await cloneWith({ locked: { [platform]: '1.0.0' }, installed: { [platform]: '1.0.0' } });
    await rm(join(clone.path, 'node_modules/.bin'), { recursive: true });
    const { said } = await clone.bootstrap({ ownNode: '20.20.2' });
    assert.match(said, /installing/);
  });

  it('asks for a newer Node where no package brings one', async () => {
    await using clone = await cloneWith({
      locked: { 'node_modules/a': '1.0.0' },
      installed: { 'node_modules/a': '1.0.0' },
    });
    await rm(join(clone.path, 'node_modules/.bin'), { recursive: true });
    const { exitCode, said } = await clone.bootstrap({ ownNode: '20.20.2' });
    assert.match(
      said,
      /there is no package that brings the right Node to .*yours is v20\.20\.2\. Install Node 24 or newer/,
    );
    assert.equal(exitCode, 1);
    assert.deepEqual(await clone.bootstrap(), { exitCode: 0, said: '' });
  });

  it('leaves an optional package of another platform alone', async () => {
    await using clone = await cloneWith({
      locked: { [platform]: '1.0.0', 'node_modules/b': 'optional' },
      installed: { [platform]: '1.0.0' },
    });
    assert.deepEqual(await clone.bootstrap(), { exitCode: 0, said: '' });
  });
});

interface Versions {
  readonly [path: string]: string;
}

/** A folder with the script, a lock file, and npm's record of what is installed. */
async function cloneWith({ locked, installed }: { readonly locked: Versions; readonly installed: Versions }) {
  const path = await mkdtemp(join(tmpdir(), 'daybook-bootstrap-'));
  await mkdir(join(path, 'scripts'));
  await mkdir(join(path, 'node_modules/.bin'), { recursive: true });
  await copyFile(join(root, 'scripts/bootstrap.mjs'), join(path, 'scripts/bootstrap.mjs'));
  await symlink(process.execPath, join(path, 'node_modules/.bin/node'));
  await writeFile(join(path, 'package.json'), JSON.stringify({ name: 'x', dependencies: { a: '*' } }));
  await writeFile(join(path, 'package-lock.json'), lockFile({ '': '', ...locked }));
  await writeFile(join(path, 'node_modules/.package-lock.json'), lockFile(installed));
  return {
    path,
    bootstrap: (options?: { readonly ownNode?: string }) => run(path, options?.ownNode),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}

function lockFile(versions: Versions): string {
  const packages = Object.entries(versions).map(([path, version]) => [
    path,
    path === '' ? { name: 'x', dependencies: { a: '*' } } : version === 'optional' ? { optional: true } : { version },
  ]);
  return JSON.stringify({ name: 'x', lockfileVersion: 3, requires: true, packages: Object.fromEntries(packages) });
}

async function run(
  path: string,
  ownNode?: string,
): Promise<{ readonly exitCode: number | null; readonly said: string }> {
  const pretend = `Object.defineProperty(process, 'version', { value: 'v${ownNode}' });
    Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${ownNode}' } });`;
  const options = ownNode === undefined ? [] : ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`];
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  const child = spawn(process.execPath, [...options, 'scripts/bootstrap.mjs'], {
    cwd: path,
    env: {
      ...process.env,
      npm_config_registry: nowhere,
      npm_config_cache: join(path, 'cache'),
      npm_config_fetch_retries: '0',
    },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.on('error', reject).on('close', resolve);
  return { exitCode: await promise, said };
}
