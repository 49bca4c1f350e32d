/**
 * Packs what would be published, after `npm run build`, and uses it as somebody who installed it would: publint and
 * attw look at the archives; then there are projects outside of the repository that have the archives and what these
 * declare that they need, and nothing else. TypeScript checks a program against the packed declarations, with strict
 * settings and without `skipLibCheck`, and Node runs it: once without any optional peer, once with them. Node runs the
 * README's program and the `daybook` command, too.
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const folder = mkdtempSync(join(tmpdir(), 'daybook-packages-'));
try {
  const packages = packed();
  for (const { archive, hasDoors } of packages) {
    run('publint', ['run', archive, '--strict']);
    if (hasDoors) run('attw', [archive, '--profile', 'esm-only', '--format', 'ascii', '--quiet']);
  }
  checkLibrary(packages);
  checkReadModels(packages);
  checkCommand(packages);
  console.log(`packages: ${packages.map(({ name }) => name).join(', ')} can be published`);
} finally {
  rmSync(folder, { recursive: true });
}

/** The packages that are published, each in an archive. */
function packed() {
  return globSync('packages/*/package.json', { cwd: root })
    .map((path) => ({ path: join(root, dirname(path)), ...JSON.parse(readFileSync(join(root, path), 'utf8')) }))
    .filter((manifest) => manifest.private !== true)
    .map(({ path, name, exports }) => {
      const output = run('npm', ['pack', '--silent', '--json', '--ignore-scripts', '--pack-destination', folder, path]);
      const [{ filename, files }] = Object.values(JSON.parse(output));
      for (const needed of ['README.md', 'LICENSE', 'package.json']) {
        if (!files.some((file) => file.path === needed)) throw new Error(`${name} is packed without a ${needed}.`);
      }
      const doors = Object.keys(exports).filter((door) => !door.endsWith('.json'));
      return { name, path, archive: join(folder, filename), doors, hasDoors: doors.length > 0 };
    });
}

/** Without any optional peer: the program must not need one, and neither must the declarations of the doors it uses. */
function checkLibrary(packages) {
  const project = newProject('library', packages, { ours: ['daybook'], others: ['@types/node'] });
  if (existsSync(join(project, 'node_modules', 'kysely'))) throw new Error('The project has an optional peer.');
  runProgram(project, 'service.ts');
  runReadme(project);
}

/** With the optional peers, and the declarations of every door. */
function checkReadModels(packages) {
  const project = newProject('read-models', packages, { ours: ['daybook'], others: ['@types/node', 'kysely'] });
  checkDoors(project, packages, 'daybook');
  runProgram(project, 'read-model.ts');
}

/** The declarations of all doors of a package at once; and that each opens with what the package declares. */
function checkDoors(project, packages, name) {
  const { doors } = packages.find((each) => each.name === name);
  const imports = doors.map((door, i) => `import * as door${i} from '${name}${door.slice(1)}';\nvoid door${i};\n`);
  writeFileSync(join(project, 'doors.ts'), imports.join(''));
  checkTypes(project, 'doors.ts');
  run('node', ['doors.ts'], project);
}

/** A project with some of our packages, unpacked, and those of others, with all that they declare as dependencies. */
function newProject(name, packages, { ours, others }) {
  const project = join(folder, name);
  const modules = join(project, 'node_modules');
  mkdirSync(modules, { recursive: true });
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }));
  const isOurs = (dependency) => packages.some((each) => each.name === dependency);
  const all = new Set(ours);
  for (const each of all) {
    const { path, archive } = packages.find((one) => one.name === each);
    const unpacked = join(modules, each);
    mkdirSync(unpacked);
    run('tar', ['-xzf', archive, '-C', unpacked, '--strip-components=1']);
    const { dependencies = {} } = manifestIn(unpacked);
    for (const dependency of Object.keys(dependencies)) {
      if (isOurs(dependency)) all.add(dependency);
      else install(modules, dependency, join(path, 'node_modules'));
    }
  }
  for (const other of others) install(modules, other, join(root, 'node_modules'));
  return project;
}

/** Links a package of others. It finds its own dependencies from where it really is. */
function install(modules, name, from) {
  const to = join(modules, name);
  if (existsSync(to)) return;
  const found = [from, join(root, 'node_modules')].map((place) => join(place, name)).find((place) => existsSync(place));
  if (found === undefined) throw new Error(`${name} is declared as a dependency, and is not installed.`);
  mkdirSync(dirname(to), { recursive: true });
  symlinkSync(found, to);
}

function manifestIn(path) {
  return JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
}

/** Checks and runs a program of `test/packages`, as it is. */
function runProgram(project, file) {
  copyFileSync(join(root, 'test/packages', file), join(project, file));
  checkTypes(project, file);
  run('node', [file], project);
}

/** The declarations must be right by themselves, without `skipLibCheck` and without our conditions. */
function checkTypes(project, file) {
  const options = ['--noEmit', '--strict', '--target', 'esnext', '--module', 'nodenext', '--types', 'node'];
  run('tsc', ['--ignoreConfig', ...options, '--exactOptionalPropertyTypes', '--skipLibCheck', 'false', file], project);
}

function runReadme(project) {
  const { program, output } = firstProgram(readFileSync(join(root, 'README.md'), 'utf8'));
  writeFileSync(join(project, 'first.mts'), program);
  const said = run('node', ['first.mts'], project);
  if (said !== output) throw new Error(`The README's program says\n${said}\nbut the README shows\n${output}`);
}

/** The first program of a document, and the output that stands below it. */
function firstProgram(markdown) {
  const [, program, output] = /```ts\n([\s\S]*?)```[\s\S]*?```text\n([\s\S]*?)```/.exec(markdown) ?? [];
  if (program === undefined) throw new Error('README.md has no program with its output.');
  return { program, output };
}

function checkCommand(packages) {
  const project = newProject('command', packages, { ours: ['daybook-cli'], others: ['@types/node'] });
  checkDoors(project, packages, 'daybook-server');
  const said = run('node', ['node_modules/daybook-cli/bin/daybook.mjs', '--version'], project);
  if (!/^\d+\.\d+\.\d+/.test(said)) throw new Error(`daybook --version says ${said}`);
  // A backup is made by a thread, whose file must be found among the built ones too.
  const daybook = (...args) =>
    run('node', ['node_modules/daybook-cli/bin/daybook.mjs', '--store', 'c.db', ...args], project);
  daybook('append', 'Order-1', '--type', 'OrderCreated', '--data', '{}');
  daybook('backup', 'create', 'copy.db');
  daybook('backup', 'verify', 'copy.db');
}

function run(command, args, project = folder) {
  try {
    return execFileSync(command, args, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    process.stderr.write(`${error.stdout ?? ''}${error.stderr ?? ''}`);
    throw new Error(`${command} ${args.join(' ')} failed`, { cause: error });
  }
}
