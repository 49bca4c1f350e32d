/**
 * Makes the checkout ready to run, before `npm start` and `npm test`: installs the locked packages, among them the
 * Node that everything then runs on (npm puts `node_modules/.bin` in front of the PATH of its scripts).
 *
 * Plain JavaScript that Node 18 understands, because this is the one file that the machine's own Node runs. It says
 * nothing and needs no network when `node_modules` is what `package-lock.json` says.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const oldestNode = 24;
const pinnedPackage = `node-${process.platform}-${process.arch}`;
const pinnedNode = join(root, 'node_modules', '.bin', 'node');

const locked = packagesIn('package-lock.json');
if (locked === undefined) fail('There is no package-lock.json here. Clone the repository again.');
const hasPinnedNode = `node_modules/${pinnedPackage}` in locked;

if (!isInstalled()) install();
if (!existsSync(pinnedNode)) requireOwnNode();

/** Whether npm's own record of what it installed says the same as the lock file. */
function isInstalled() {
  if (hasPinnedNode && !existsSync(pinnedNode) && !ownNodeIsNewEnough()) return false;
  const installed = packagesIn('node_modules/.package-lock.json');
  if (installed === undefined) return false;
  const isSame = (path) =>
    installed[path]?.version === locked[path].version && installed[path]?.integrity === locked[path].integrity;
  return (
    Object.keys(installed).every((path) => path in locked) &&
    Object.keys(locked).every((path) => path === '' || isSame(path) || (locked[path].optional && !installed[path]))
  );
}

function install() {
  say(`installing the packages of package-lock.json, Node ${oldestNode} among them (once, up to a minute)`);
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'];
  const { command, args } = npm(['ci', '--include=dev', '--include=optional', ...flags]);
  const done = spawnSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  if (done.status !== 0) explain(done);
  if (hasPinnedNode) checkPinnedNode();
}

/** npm as the one that started us, else the one on the PATH. */
function npm(args) {
  const script = process.env['npm_execpath'];
  return script !== undefined && /npm-cli\.c?js$/.test(script)
    ? { command: process.execPath, args: [script, ...args] }
    : { command: 'npm', args };
}

function explain({ error, stderr }) {
  const said = stderr ?? '';
  if (error !== undefined) fail(`npm could not be started (${error.message}). Install Node with npm, and try again.`);
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED/.test(said)) {
    fail(
      'the package registry cannot be reached. The first run needs it; later runs do not. Connect, or point npm at a ' +
        "registry within reach ('npm config set registry URL'), and try again.",
    );
  }
  process.stderr.write(`${said.split('\n').slice(0, 12).join('\n')}\n`);
  fail('npm could not install the packages; the beginning of what it said is above.');
}

/** A pinned Node that is there but does not run, as on a musl system, would break every script. */
function checkPinnedNode() {
  if (!existsSync(pinnedNode)) return;
  if (spawnSync(pinnedNode, ['--version']).status === 0) return;
  rmSync(pinnedNode);
  say(`the pinned Node (${pinnedPackage}) does not run on this system, so your own is used.`);
}

function requireOwnNode() {
  if (ownNodeIsNewEnough()) return;
  const why = hasPinnedNode
    ? `the package ${pinnedPackage}, which brings the right Node, could not be installed or does not run here`
    : `there is no package that brings the right Node to ${process.platform} on ${process.arch}`;
  fail(`${why}, and yours is ${process.version}. Install Node ${oldestNode} or newer, and try again.`);
}

function ownNodeIsNewEnough() {
  return Number(process.versions.node.split('.')[0]) >= oldestNode;
}

/** The packages that a lock file lists, by their folder, or `undefined` when there is no such file. */
function packagesIn(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function say(sentence) {
  process.stderr.write(`bootstrap: ${sentence}\n`);
}

function fail(sentence) {
  say(sentence);
  process.exit(1);
}
