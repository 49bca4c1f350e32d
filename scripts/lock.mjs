/**
 * Writes `package-lock.json` for the dependencies that the package.json files name: `npm run lock`. Versions that are
 * locked already stay.
 *
 * A registry that mirrors only some platforms' binaries makes npm leave the others out, and then `npm ci` refuses the
 * lock file everywhere. So they are put in here, with the version that their package asks for and without a hash, and
 * only a machine of such a platform ever downloads them.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

writeLock();
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const added = Object.values(lock.packages).flatMap((entry) => missingBinariesOf(entry));
for (const [path, entry] of added) lock.packages[path] = entry;
writeFileSync('package-lock.json', `${JSON.stringify(lock, undefined, 2)}\n`);
writeLock(); // Once more, so that npm puts its own order and layout on what was added.
// npm notes what it locked as if it were installed. Without the note, the next script installs it.
rmSync('node_modules/.package-lock.json', { force: true });
process.stdout.write(`lock: ${added.length} binaries that the registry does not have were added by name\n`);

function writeLock() {
  const { status } = spawnSync('npm', ['install', '--package-lock-only', '--ignore-scripts'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/** The entries for the optional dependencies of a package that npm left out. */
function missingBinariesOf(entry) {
  return Object.entries(entry.optionalDependencies ?? {})
    .filter(([name]) => !(`node_modules/${name}` in lock.packages))
    .map(([name, version]) => [
      `node_modules/${name}`,
      { version, ...platformOf(name), ...devOf(entry), optional: true },
    ]);
}

/** What npm must know to download a binary only where it runs. The name says it: `@oxlint/binding-linux-x64-musl`. */
function platformOf(name) {
  const [, os, cpu, rest] =
    /(android|darwin|freebsd|linux|openharmony|win32)-([a-z]+\d*\w*)(?:-(\w+))?$/.exec(name) ?? [];
  if (os === undefined) throw new Error(`${name} is not in the registry, and its name does not say its platform.`);
  const libc = rest === 'musl' || rest === 'musleabihf' ? 'musl' : 'glibc';
  return { cpu: [cpu], os: [os], ...(os === 'linux' && rest !== undefined && { libc: [libc] }) };
}

function devOf(entry) {
  return entry.dev === true ? { dev: true } : {};
}
