/**
 * Packs what would be published, after `npm run build`, and uses it as somebody who installed it would: publint and
 * attw look at the archives, TypeScript at the types of every door with strict settings, and Node runs the README's
 * program and the `daybook` command from the unpacked archives.
 */
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
  unpack(packages);
  checkTypes(packages);
  runReadme();
  runCommand();
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

/** Puts the archives where Node looks for packages, with links to the packages of others. */
function unpack(packages) {
  const modules = join(folder, 'node_modules');
  for (const { name, path, archive } of packages) {
    mkdirSync(join(modules, name), { recursive: true });
    run('tar', ['-xzf', archive, '-C', join(modules, name), '--strip-components=1']);
    link(join(path, 'node_modules'), join(modules, name, 'node_modules'));
  }
  link(join(root, 'node_modules'), modules);
}

/** Links every package of others in one folder of packages to another. */
function link(from, to) {
  for (const other of globSync('{[!@.]*,@*/*}', { cwd: from })) {
    if (/^daybook(?:-|$)/.test(other)) continue;
    mkdirSync(join(to, dirname(other)), { recursive: true });
    symlinkSync(join(from, other), join(to, other));
  }
}

/** The declarations of every door must be right by themselves, without `skipLibCheck` and without our conditions. */
function checkTypes(packages) {
  const modules = packages.flatMap(({ name, doors }) => doors.map((door) => name + door.slice(1)));
  writeFileSync(
    join(folder, 'doors.ts'),
    modules.map((door, index) => `import * as door${index} from '${door}';\nvoid door${index};\n`).join(''),
  );
  const options = ['--noEmit', '--strict', '--target', 'esnext', '--module', 'nodenext', '--types', 'node'];
  run('tsc', ['--ignoreConfig', ...options, '--exactOptionalPropertyTypes', 'doors.ts']);
}

function runReadme() {
  const { program, output } = firstProgram(readFileSync(join(root, 'README.md'), 'utf8'));
  writeFileSync(join(folder, 'first.mts'), program);
  const said = run('node', ['first.mts']);
  if (said !== output) throw new Error(`The README's program says\n${said}\nbut the README shows\n${output}`);
}

/** The first program of a document, and the output that stands below it. */
function firstProgram(markdown) {
  const [, program, output] = /```ts\n([\s\S]*?)```[\s\S]*?```text\n([\s\S]*?)```/.exec(markdown) ?? [];
  if (program === undefined) throw new Error('README.md has no program with its output.');
  return { program, output };
}

function runCommand() {
  const said = run('node', ['node_modules/daybook-cli/bin/daybook.mjs', '--version']);
  if (!/^\d+\.\d+\.\d+/.test(said)) throw new Error(`daybook --version says ${said}`);
  // A backup is made by a thread, whose file must be found among the built ones too.
  const daybook = (...args) => run('node', ['node_modules/daybook-cli/bin/daybook.mjs', '--store', 'c.db', ...args]);
  daybook('append', 'Order-1', '--type', 'OrderCreated', '--data', '{}');
  daybook('backup', 'create', 'copy.db');
  daybook('backup', 'verify', 'copy.db');
}

function run(command, args) {
  try {
    return execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    process.stderr.write(`${error.stdout ?? ''}${error.stderr ?? ''}`);
    throw new Error(`${command} ${args.join(' ')} failed`, { cause: error });
  }
}
