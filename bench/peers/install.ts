import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const files = ['package.json', 'package-lock.json'] as const;

/** Where packages are that are no dependencies of ours. */
export interface Peers {
  readonly folder: string;
  /** Loads one of the packages. Its types are what the caller says. */
  readonly load: (name: string) => Promise<unknown>;
}

/**
 * Installs the peers into a cache folder of the user, unless they are there. One of them, `sqlite3`, is compiled, with
 * the headers of the Node that runs this: that takes a minute, a C++ compiler, make and Python.
 */
export function installPeers(): Peers {
  const own = files.map((name) => readFileSync(join(import.meta.dirname, name)));
  const version = createHash('sha256').update(Buffer.concat(own)).digest('hex').slice(0, 12);
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const folder = join(cache, 'daybook-bench', version);
  if (!existsSync(folder)) {
    const unfinished = `${folder}-${process.pid}`;
    mkdirSync(unfinished, { recursive: true });
    try {
      for (const name of files) copyFileSync(join(import.meta.dirname, name), join(unfinished, name));
      npm(unfinished, 'ci', '--ignore-scripts');
      npm(unfinished, 'rebuild', 'sqlite3', '--ignore-scripts=false', '--build-from-source');
      renameSync(unfinished, folder);
    } finally {
      rmSync(unfinished, { recursive: true, force: true });
    }
  }
  const require = createRequire(join(folder, 'package.json'));
  return { folder, load: (name) => import(pathToFileURL(resolved(require, folder, name)).href) };
}

/** The module that an `import` of the package would load. */
function resolved(require: NodeJS.Require, folder: string, name: string): string {
  const manifest = join(folder, 'node_modules', name, 'package.json');
  const { exports: doors } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    exports?: { '.'?: { import?: string | { default?: string } } };
  };
  const door = doors?.['.']?.import;
  const file = typeof door === 'string' ? door : door?.default;
  return file === undefined ? require.resolve(name) : join(folder, 'node_modules', name, file);
}

function npm(folder: string, ...args: readonly string[]): void {
  // The headers that a native module is compiled with lie beside the Node that runs this.
  const headers = dirname(dirname(process.execPath));
  const environment = existsSync(join(headers, 'include', 'node', 'node_api.h')) ? { npm_config_nodedir: headers } : {};
  execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...environment },
  });
}
